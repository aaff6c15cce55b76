"""Memories and their revisions in Postgres."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, false, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.agents.definitions import crud as definitions
from app.agents.definitions.models import Agent
from app.agents.memory.facts import Author, Place
from app.agents.memory.models import Memory, MemoryRevision
from app.core import restorable

# Within the first: the second is the workspace's.
_LOCK = 0x6D656D
_HOLDS = (
    "exists (select 1 from jsonb_array_elements(memory_revisions.periods) as period "
    "where cast(period ->> 0 as timestamptz) <= :valid_at "
    "and (period ->> 1 is null or cast(period ->> 1 as timestamptz) > :valid_at))"
)


@dataclass(frozen=True, slots=True)
class Instant:
    """What was known at `known_at` (None: now) to hold at `valid_at` (None: at any time)."""

    valid_at: datetime | None = None
    known_at: datetime | None = None


def visible(author: Author) -> ColumnElement[bool]:
    """Which memories someone sees: their own, the workspace's, and those of agents they see."""
    agents = select(Agent.id).where(
        Agent.workspace_id == author.workspace_id,
        Agent.deleted_at.is_(None),
        definitions.visible(author.workspace_id, author.user_id),
    )
    return or_(
        and_(Memory.scope == "user", Memory.user_id == author.user_id),
        Memory.scope == "workspace",
        and_(Memory.scope == "agent", Memory.agent_id.in_(agents)) if author.agents else false(),
    )


async def lock(session: AsyncSession, workspace_id: UUID) -> None:
    """Until the transaction ends, nobody else changes what this workspace remembers."""
    statement = text("select pg_advisory_xact_lock(:one, :two)")
    await session.execute(statement, {"one": _LOCK, "two": workspace_id.int % 2**31})


async def last_known(session: AsyncSession, workspace_id: UUID) -> datetime | None:
    """When something was last learnt."""
    statement = select(func.max(MemoryRevision.known_from)).where(
        MemoryRevision.workspace_id == workspace_id
    )
    return await session.scalar(statement)


async def find(session: AsyncSession, author: Author, memory_id: UUID) -> Memory | None:
    """One that its reader may see, a forgotten one included."""
    statement = select(Memory).where(
        Memory.workspace_id == author.workspace_id, Memory.id == memory_id, visible(author)
    )
    return (await session.scalars(statement)).one_or_none()


async def add(session: AsyncSession, *rows: Memory | MemoryRevision) -> None:
    session.add_all(rows)
    await session.flush()


async def count_of(session: AsyncSession, workspace_id: UUID, place: Place) -> int:
    """The living ones of a user, an agent, or the workspace itself."""
    statement = (
        restorable.living(Memory, workspace_id)
        .with_only_columns(func.count())
        .where(*of_place(place))
    )
    return await session.scalar(statement) or 0


async def current(
    session: AsyncSession, workspace_id: UUID, memory_ids: Collection[UUID]
) -> dict[UUID, MemoryRevision]:
    """What is believed of these now."""
    return await as_known(session, workspace_id, memory_ids, None)


async def as_known(
    session: AsyncSession,
    workspace_id: UUID,
    memory_ids: Collection[UUID],
    known_at: datetime | None,
) -> dict[UUID, MemoryRevision]:
    """What was believed of these at an instant; of those that were known then."""
    statement = select(MemoryRevision).where(
        MemoryRevision.workspace_id == workspace_id,
        MemoryRevision.memory_id.in_(memory_ids),
        known(known_at),
    )
    return {row.memory_id: row for row in await session.scalars(statement)}


async def on_timeline(
    session: AsyncSession, workspace_id: UUID, key: str, but: Collection[UUID] = ()
) -> dict[UUID, MemoryRevision]:
    """What is believed now of living, accepted memories that share a timeline."""
    return await _living(session, workspace_id, MemoryRevision.key == key, but)


async def equals(
    session: AsyncSession, workspace_id: UUID, same: str, status: str
) -> dict[UUID, MemoryRevision]:
    """What is believed now of living memories that say the same."""
    return await _living(session, workspace_id, MemoryRevision.same == same, (), status)


async def of_change(
    session: AsyncSession, workspace_id: UUID, change_id: UUID
) -> Sequence[MemoryRevision]:
    """In the order in which one change made them."""
    statement = (
        select(MemoryRevision)
        .where(MemoryRevision.workspace_id == workspace_id, MemoryRevision.change_id == change_id)
        .order_by(MemoryRevision.id)
    )
    return (await session.scalars(statement)).all()


async def revision(
    session: AsyncSession, workspace_id: UUID, memory_id: UUID, number: int
) -> MemoryRevision | None:
    statement = select(MemoryRevision).where(
        MemoryRevision.workspace_id == workspace_id,
        MemoryRevision.memory_id == memory_id,
        MemoryRevision.number == number,
    )
    return (await session.scalars(statement)).one_or_none()


async def by_ids(
    session: AsyncSession, workspace_id: UUID, memory_ids: Collection[UUID]
) -> Mapping[UUID, Memory]:
    """Those that the transaction's own scope shows, forgotten ones included."""
    statement = select(Memory).where(Memory.workspace_id == workspace_id, Memory.id.in_(memory_ids))
    return {row.id: row for row in await session.scalars(statement)}


async def delete_one(session: AsyncSession, workspace_id: UUID, memory_id: UUID) -> None:
    """For good; its revisions and what it is found by go with it."""
    await session.execute(
        delete(Memory).where(Memory.workspace_id == workspace_id, Memory.id == memory_id)
    )


async def _living(
    session: AsyncSession,
    workspace_id: UUID,
    rule: ColumnElement[bool],
    but: Collection[UUID],
    status: str = "active",
) -> dict[UUID, MemoryRevision]:
    statement = (
        select(MemoryRevision)
        .join(Memory, Memory.id == MemoryRevision.memory_id)
        .where(
            MemoryRevision.workspace_id == workspace_id,
            MemoryRevision.known_to.is_(None),
            rule,
            Memory.deleted_at.is_(None),
            Memory.status == status,
            Memory.id.not_in(but),
        )
        .order_by(MemoryRevision.memory_id)
    )
    return {row.memory_id: row for row in await session.scalars(statement)}


def of_place(place: Place) -> tuple[ColumnElement[bool], ...]:
    rules: list[ColumnElement[bool]] = [Memory.scope == place.scope]
    if place.scope == "user":
        rules.append(Memory.user_id == place.owner)
    if place.scope == "agent":
        rules.append(Memory.agent_id == place.owner)
    return tuple(rules)


def known(known_at: datetime | None) -> ColumnElement[bool]:
    """Which revisions were believed at an instant; None: now."""
    if known_at is None:
        return MemoryRevision.known_to.is_(None)
    still = or_(MemoryRevision.known_to.is_(None), MemoryRevision.known_to > known_at)
    return and_(MemoryRevision.known_from <= known_at, still)


def believed(instant: Instant, *more: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether a memory was believed at an instant."""
    rules: list[Any] = [
        MemoryRevision.memory_id == Memory.id,
        MemoryRevision.valid_from.is_not(None),
        known(instant.known_at),
        *more,
    ]
    if instant.valid_at is not None:
        rules.append(text(_HOLDS).bindparams(valid_at=instant.valid_at))
    return select(MemoryRevision.id).where(*rules).exists()


def lasting(at: datetime) -> ColumnElement[bool]:
    return or_(Memory.expires_at.is_(None), Memory.expires_at > at)
