"""Where passages come from, and who may see them: each kind has one source.

Rooms above register theirs: chat its messages, later agents and workflows.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from app.core.auth import Access
from app.core.db import AsyncSession
from app.knowledge.vectors.index import Reach


class Source(Protocol):
    """One kind of what can be searched.

    `reach` is the wall within the query, `visible` the second one, over what was found.
    """

    kind: str

    async def reach(self, session: AsyncSession, access: Access) -> Reach | None:
        """What the caller may see of this kind; None for nothing at all."""
        ...

    async def models(
        self,
        session: AsyncSession,  # noqa: ARG002 - of no use where one model embeds all
        workspace_id: UUID,  # noqa: ARG002
    ) -> Mapping[UUID, str]:
        """The embedding model by parent, where it is not the local one."""
        return {}

    async def visible(
        self, session: AsyncSession, access: Access, subject_ids: Sequence[UUID]
    ) -> set[UUID]:
        """Those of the subjects that the caller may see now."""
        ...
