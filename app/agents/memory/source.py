"""Memories as something that a search finds."""

from collections.abc import Sequence
from uuid import UUID

from app.agents.memory import finding_crud as crud
from app.agents.memory.facts import KIND, author_of
from app.core.auth import Access, Permission
from app.core.clock import now
from app.core.db import AsyncSession
from app.knowledge.passages.sources import Source
from app.knowledge.vectors.index import Reach


class MemorySource(Source):
    """One's own memories, the workspace's, and those of agents that one sees; what holds now."""

    kind = KIND

    async def reach(self, session: AsyncSession, access: Access) -> Reach | None:
        if Permission.MEMORIES_READ not in access.permissions:
            return None
        agents = await crud.agents_with_memories(session, author_of(access))
        return Reach(KIND, parents=(access.workspace_id, *agents), owner=access.user_id)

    async def visible(
        self, session: AsyncSession, access: Access, subject_ids: Sequence[UUID]
    ) -> set[UUID]:
        if Permission.MEMORIES_READ not in access.permissions:
            return set()
        return await crud.findable(session, author_of(access), subject_ids, now())
