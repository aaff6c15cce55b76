"""Entries as something that a search finds."""

from collections.abc import Sequence
from uuid import UUID

from app.core.auth import Access, Permission
from app.core.db import AsyncSession
from app.knowledge.dictionary.dictionaries.crud import living_ids
from app.knowledge.dictionary.entries import crud
from app.knowledge.dictionary.entries.indexing import KIND
from app.knowledge.passages.sources import Source
from app.knowledge.vectors.index import Reach


class EntrySource(Source):
    """Every living dictionary of the workspace, for who may read dictionaries; no drafts."""

    kind = KIND

    async def reach(self, session: AsyncSession, access: Access) -> Reach | None:
        if Permission.DICTIONARY_READ not in access.permissions:
            return None
        living = await living_ids(session, access.workspace_id)
        return Reach(KIND, parents=tuple(living)) if living else None

    async def visible(
        self, session: AsyncSession, access: Access, subject_ids: Sequence[UUID]
    ) -> set[UUID]:
        if Permission.DICTIONARY_READ not in access.permissions:
            return set()
        return await crud.living_ids(session, access.workspace_id, subject_ids, drafts=False)
