"""Documents as what can be found."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from app.core.auth import Access, Permission
from app.core.db import AsyncSession
from app.knowledge.collections import crud, document_crud
from app.knowledge.vectors.index import Reach


class DocumentSource:
    """The Source of documents: those of the collections that the caller sees."""

    kind = crud.KIND

    async def reach(self, session: AsyncSession, access: Access) -> Reach | None:
        if Permission.COLLECTIONS_READ not in access.permissions:
            return None
        found = await crud.visible_ids(session, access.workspace_id, access.user_id)
        return Reach(self.kind, parents=tuple(found)) if found else None

    async def models(self, session: AsyncSession, workspace_id: UUID) -> Mapping[UUID, str]:
        return await crud.models(session, workspace_id)

    async def visible(
        self, session: AsyncSession, access: Access, subject_ids: Sequence[UUID]
    ) -> set[UUID]:
        if Permission.COLLECTIONS_READ not in access.permissions:
            return set()
        return await document_crud.visible_of(
            session, access.workspace_id, access.user_id, subject_ids
        )
