"""Memories and what was believed of them, as lists, in Postgres."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.agents.memory.crud import Instant, believed, known, lasting, visible
from app.agents.memory.facts import Author
from app.agents.memory.models import Memory, MemoryRevision
from app.agents.memory.schemas import MemoryQuery, RevisionQuery
from app.core import restorable
from app.core.clock import now
from app.core.paging import Cursors, Keyset, Slice, fetch_page


async def page(
    session: AsyncSession, author: Author, query: MemoryQuery, cursors: Cursors
) -> Slice[Memory]:
    """Newest first."""
    listed = restorable.listed(Memory, query)
    statement = select(Memory).where(
        Memory.workspace_id == author.workspace_id, visible(author), listed, *_wanted(query)
    )
    return await fetch_page(
        session,
        statement,
        Keyset(Memory.created_at, Memory.id),
        query,
        cursors=cursors,
        workspace_id=author.workspace_id,
        within=str(author.user_id),
    )


async def after(
    session: AsyncSession, author: Author, memory_id: UUID | None, most: int
) -> Sequence[Memory]:
    """The next of all living memories that their reader sees, by their ids."""
    statement = (
        restorable.living(Memory, author.workspace_id)
        .where(visible(author))
        .order_by(Memory.id)
        .limit(most)
    )
    if memory_id is not None:
        statement = statement.where(Memory.id > memory_id)
    return (await session.scalars(statement)).all()


async def history(
    session: AsyncSession,
    workspace_id: UUID,
    memory_id: UUID,
    query: RevisionQuery,
    cursors: Cursors,
) -> Slice[MemoryRevision]:
    """Newest first."""
    return await fetch_page(
        session,
        select(MemoryRevision).where(
            MemoryRevision.workspace_id == workspace_id, MemoryRevision.memory_id == memory_id
        ),
        Keyset(MemoryRevision.number, MemoryRevision.id),
        query,
        cursors=cursors,
        workspace_id=workspace_id,
        within=str(memory_id),
    )


async def revisions_of(
    session: AsyncSession, workspace_id: UUID, memory_ids: Collection[UUID]
) -> Sequence[MemoryRevision]:
    """All that was ever believed of these, oldest first."""
    statement = (
        select(MemoryRevision)
        .where(
            MemoryRevision.workspace_id == workspace_id, MemoryRevision.memory_id.in_(memory_ids)
        )
        .order_by(MemoryRevision.memory_id, MemoryRevision.number)
    )
    return (await session.scalars(statement)).all()


def _wanted(query: MemoryQuery) -> list[ColumnElement[bool]]:
    named = {
        Memory.scope: query.scope,
        Memory.agent_id: query.agent_id,
        Memory.kind: query.kind,
        Memory.status: query.status,
    }
    rules = [column == value for column, value in named.items() if value is not None]
    said = []
    if query.q is not None:
        said.append(MemoryRevision.text.icontains(query.q, autoescape=True))
    for column, value in (
        (MemoryRevision.subject, query.subject),
        (MemoryRevision.predicate, query.predicate),
    ):
        if value is not None:
            said.append(func.lower(column) == value.lower())
    if not query.deleted:
        rules.append(lasting(now()))
        rules.append(believed(Instant(query.valid_at, query.known_at), *said))
    elif said:
        rules.append(
            select(MemoryRevision.id)
            .where(MemoryRevision.memory_id == Memory.id, known(None), *said)
            .exists()
        )
    return rules
