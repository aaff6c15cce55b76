"""Versions and their use, as they are shown."""

from typing import Any, Final
from uuid import UUID

from app.agents.templates import crud, service
from app.agents.templates.models import TemplateVersion
from app.agents.templates.schemas import TemplateVersionQuery
from app.core.auth import Access
from app.core.db import AsyncSession
from app.core.paging import Cursors, Slice

MOST_VERSIONS: Final = 200


async def page(
    session: AsyncSession,
    access: Access,
    template_id: UUID,
    query: TemplateVersionQuery,
    cursors: Cursors,
) -> Slice[TemplateVersion]:
    """Raises TemplateNotFound."""
    template = await service.get(session, access, template_id)
    return await crud.versions(session, access.workspace_id, template.id, query, cursors)


async def get(
    session: AsyncSession, access: Access, template_id: UUID, number: int
) -> TemplateVersion:
    """Raises TemplateNotFound and TemplateVersionNotFound."""
    template = await service.get(session, access, template_id)
    return await service.version_of(session, template, number)


async def usage(session: AsyncSession, access: Access, template_id: UUID) -> dict[str, Any]:
    """The fields of a TemplateUsageRead; raises TemplateNotFound."""
    template = await service.get(session, access, template_id)
    counted = await crud.usage(session, access.workspace_id, template.id, MOST_VERSIONS)
    return {"template_id": template.id, "data": counted}
