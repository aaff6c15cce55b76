"""Workflows as documents that an import takes, here or elsewhere."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson

from app.agents.definitions.documents import write_yaml
from app.automation.workflows import service
from app.automation.workflows.exchange_schemas import WorkflowExportQuery
from app.core.auth import Access
from app.core.db import AsyncSession

FORMAT: Final = "luminous/workflow@1"
MEDIA_TYPES: Final = {"json": "application/json", "yaml": "application/yaml"}


@dataclass(frozen=True, slots=True)
class File:
    name: str
    media_type: str
    content: bytes


async def export(
    session: AsyncSession, access: Access, workflow_id: UUID, query: WorkflowExportQuery
) -> File:
    """One document; raises what `service.see` raises."""
    seen = await service.see(session, access, workflow_id, query)
    workflow = seen.workflow
    document: dict[str, Any] = {
        "format": FORMAT,
        "name": workflow.name,
        "slug": workflow.slug,
        "description": workflow.description,
        "tags": workflow.tags,
        "metadata": workflow.notes,
        "definition": seen.version.definition,
    }
    content = (
        write_yaml(document).encode()
        if query.format == "yaml"
        else orjson.dumps(document, option=orjson.OPT_INDENT_2)
    )
    return File(f"{workflow.slug}.{query.format}", MEDIA_TYPES[query.format], content)
