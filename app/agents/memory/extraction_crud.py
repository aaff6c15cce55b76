"""Which facts were drawn from what, in Postgres."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.agents.memory.models import MemoryExtraction
from app.core.ids import new_id
from app.core.paging import Cursors, Keyset, PageQuery, Slice, fetch_page


async def begin(session: AsyncSession, **values: Any) -> bool:
    """Note that facts are drawn from something; False where they were before."""
    statement = (
        insert(MemoryExtraction)
        .values(id=new_id(), found=0, stored=0, dropped=0, **values)
        .on_conflict_do_nothing()
        .returning(MemoryExtraction.id)
    )
    return await session.scalar(statement) is not None


async def of_run(
    session: AsyncSession, workspace_id: UUID, run_id: UUID, *, for_update: bool = False
) -> MemoryExtraction | None:
    statement = select(MemoryExtraction).where(
        MemoryExtraction.workspace_id == workspace_id, MemoryExtraction.run_id == run_id
    )
    if for_update:
        statement = statement.with_for_update()
    return (await session.scalars(statement)).one_or_none()


async def page(
    session: AsyncSession, workspace_id: UUID, user_id: UUID, query: PageQuery, cursors: Cursors
) -> Slice[MemoryExtraction]:
    """A person's own, newest first."""
    return await fetch_page(
        session,
        select(MemoryExtraction).where(
            MemoryExtraction.workspace_id == workspace_id, MemoryExtraction.user_id == user_id
        ),
        Keyset(MemoryExtraction.created_at, MemoryExtraction.id),
        query,
        cursors=cursors,
        workspace_id=workspace_id,
        within=str(user_id),
    )
