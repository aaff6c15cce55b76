"""A template as a file."""

from typing import Literal
from uuid import UUID

import orjson

from app.agents.definitions.documents import write_yaml
from app.agents.templates import crud, service
from app.agents.templates.importing.own import written
from app.core.auth import Access
from app.core.db import AsyncSession


async def export(
    session: AsyncSession, access: Access, template_id: UUID, shape: Literal["json", "yaml"]
) -> tuple[str, str]:
    """The file's name and its text; raises TemplateNotFound."""
    template = await service.get(session, access, template_id)
    versions = await crud.all_versions(session, access.workspace_id, template.id)
    document = written(template, versions)
    if shape == "json":
        text = orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()
    else:
        text = write_yaml(document)
    return f"{template.slug}.{shape}", text
