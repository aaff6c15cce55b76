"""Templates as something that a search finds."""

from collections.abc import Sequence
from uuid import UUID

from app.agents.templates import crud
from app.agents.templates.indexing import KIND
from app.core.auth import Access, Permission
from app.core.db import AsyncSession
from app.knowledge.passages.sources import Source
from app.knowledge.vectors.index import Reach


class TemplateSource(Source):
    """The templates that the caller sees, for who may read templates."""

    kind = KIND

    async def reach(self, session: AsyncSession, access: Access) -> Reach | None:
        if Permission.TEMPLATES_READ not in access.permissions:
            return None
        found = await crud.visible_ids(session, access.workspace_id, access.user_id)
        return Reach(KIND, parents=tuple(found)) if found else None

    async def visible(
        self, session: AsyncSession, access: Access, subject_ids: Sequence[UUID]
    ) -> set[UUID]:
        if Permission.TEMPLATES_READ not in access.permissions:
            return set()
        return await crud.visible_ids(session, access.workspace_id, access.user_id, subject_ids)
