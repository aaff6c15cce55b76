"""Memories as recalls, searches and jobs look for them, in Postgres."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, false, or_, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.agents.memory import crud
from app.agents.memory.facts import Author, Place
from app.agents.memory.models import Memory, MemoryRevision
from app.core import restorable
from app.core.clock import now
from app.core.db import SYSTEM, Database


async def recallable(
    session: AsyncSession, author: Author, places: Sequence[Place], most: int
) -> list[tuple[Memory, MemoryRevision]]:
    """The memories of these places that were told last, with what is believed of them now."""
    statement = (
        select(Memory, MemoryRevision)
        .join(MemoryRevision, MemoryRevision.memory_id == Memory.id)
        .where(
            Memory.workspace_id == author.workspace_id,
            Memory.deleted_at.is_(None),
            Memory.status == "active",
            crud.visible(author),
            or_(false(), *(and_(*crud.of_place(place)) for place in places)),
            MemoryRevision.known_to.is_(None),
        )
        .order_by(Memory.confirmed_at.desc(), Memory.id)
        .limit(most)
    )
    return [(row[0], row[1]) for row in await session.execute(statement)]


async def texts(
    session: AsyncSession, author: Author, wanted: Collection[tuple[UUID, int]]
) -> dict[tuple[UUID, int], str]:
    """What revisions (memory, number) say, of memories that someone sees; not of forgotten ones."""
    statement = (
        select(MemoryRevision.memory_id, MemoryRevision.number, MemoryRevision.text)
        .join(Memory, Memory.id == MemoryRevision.memory_id)
        .where(
            Memory.workspace_id == author.workspace_id,
            Memory.deleted_at.is_(None),
            crud.visible(author),
            tuple_(MemoryRevision.memory_id, MemoryRevision.number).in_(wanted),
        )
    )
    return {(row[0], row[1]): row[2] for row in await session.execute(statement)}


async def agents_with_memories(session: AsyncSession, author: Author) -> Sequence[UUID]:
    """The agents that someone sees and that remember something."""
    statement = (
        select(Memory.agent_id)
        .where(
            Memory.workspace_id == author.workspace_id,
            Memory.scope == "agent",
            Memory.deleted_at.is_(None),
            crud.visible(author),
        )
        .distinct()
    )
    return [each for each in await session.scalars(statement) if each is not None]


async def findable(
    session: AsyncSession, author: Author, memory_ids: Sequence[UUID], at: datetime
) -> set[UUID]:
    """Those of these that someone sees and that hold now."""
    statement = (
        restorable.living(Memory, author.workspace_id)
        .with_only_columns(Memory.id)
        .where(
            Memory.id.in_(memory_ids),
            Memory.status == "active",
            crud.visible(author),
            crud.lasting(at),
            crud.believed(crud.Instant(valid_at=at)),
        )
    )
    return set(await session.scalars(statement))


async def expire(database: Database, most: int) -> int:
    """Forget some memories whose time is up, of whichever workspace; returns how many."""
    moment = now()
    due = (
        select(Memory.id)
        .where(Memory.expires_at <= moment, Memory.deleted_at.is_(None))
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    async with database.unit(SYSTEM) as session:
        gone = await session.scalars(
            update(Memory)
            .where(Memory.id.in_(due))
            .values(deleted_at=moment)
            .returning(Memory.id)
            .execution_options(synchronize_session=False)
        )
        ids = gone.all()
        await session.execute(
            text("delete from passages where kind = 'memory' and subject_id = any(:ids)"),
            {"ids": list(ids)},
        )
    return len(ids)
