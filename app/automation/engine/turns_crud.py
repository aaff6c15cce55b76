"""The order in which runs of one key have their turn, in Postgres.

A run that waits either sleeps until its workflow's rate lets it begin (it has an open wait at
ASLEEP), or waits for one of its concurrency key's places. The two are two queues: whoever sleeps
takes no place, and whoever waits for a place holds nobody's rate up.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.automation.engine.models import WorkflowRun, WorkflowWait
from app.core.clock import now
from app.core.ids import new_id
from app.runs.runs.models import Run

ASLEEP: Final = "~turn"
_FIRST: Final = (WorkflowRun.priority.desc(), WorkflowRun.created_at, WorkflowRun.id)


async def lock(session: AsyncSession, *keys: str) -> None:
    """Have one transaction at a time decide about these keys."""
    for key in sorted(set(keys)):
        await session.execute(select(func.pg_advisory_xact_lock(_lock_of(key))))


async def try_lock(session: AsyncSession, *keys: str) -> bool:
    """The same, but False where another transaction decides about one of them."""
    for key in sorted(set(keys)):
        if not await session.scalar(select(func.pg_try_advisory_xact_lock(_lock_of(key)))):
            return False
    return True


def _lock_of(key: str) -> Any:
    return func.hashtextextended(key, 7)


async def unfinished(session: AsyncSession, workspace_id: UUID, key: str) -> Sequence[UUID]:
    """The runs of a key that have not ended, the oldest first."""
    found = await session.scalars(
        select(WorkflowRun.id)
        .where(
            WorkflowRun.workspace_id == workspace_id,
            WorkflowRun.concurrency_key == key,
            WorkflowRun.ended_at.is_(None),
        )
        .order_by(WorkflowRun.created_at, WorkflowRun.id)
    )
    return found.all()


async def is_next(session: AsyncSession, row: WorkflowRun, limit: int) -> bool:
    """Whether one of the key's `limit` places is free, and nobody waits for it who goes before."""
    ahead = WorkflowRun.admitted_at.is_not(None) | (_goes_before(row) & ~_sleeps())
    counted = (
        select(func.count())
        .select_from(WorkflowRun)
        .where(
            WorkflowRun.workspace_id == row.workspace_id,
            WorkflowRun.concurrency_key == row.concurrency_key,
            WorkflowRun.ended_at.is_(None),
            WorkflowRun.id != row.id,
            ahead,
        )
    )
    return int(await session.scalar(counted) or 0) < limit


async def admissions(
    session: AsyncSession, row: WorkflowRun, since: datetime, most: int
) -> list[datetime]:
    """When the newest `most` runs of the rate's key had their turn since then, the oldest first."""
    found = await session.scalars(
        select(WorkflowRun.admitted_at)
        .where(
            WorkflowRun.workspace_id == row.workspace_id,
            WorkflowRun.rate_key == row.rate_key,
            WorkflowRun.admitted_at > since,
        )
        .order_by(WorkflowRun.admitted_at.desc())
        .limit(most)
    )
    return [moment for moment in reversed(found.all()) if moment is not None]


async def asleep_before(session: AsyncSession, row: WorkflowRun) -> int:
    """How many runs of the rate's key sleep that go before this one."""
    counted = (
        select(func.count())
        .select_from(WorkflowRun)
        .where(*_waits_of_rate(row.workspace_id, str(row.rate_key)), _goes_before(row), _sleeps())
    )
    return int(await session.scalar(counted) or 0)


async def admit(session: AsyncSession, row: WorkflowRun, moment: datetime) -> None:
    await session.execute(
        update(WorkflowRun)
        .where(WorkflowRun.id == row.id, WorkflowRun.workspace_id == row.workspace_id)
        .values(admitted_at=moment)
    )


async def sleep(session: AsyncSession, row: WorkflowRun, until: datetime) -> None:
    """Have the run woken at a moment, to ask for its turn anew; one that sleeps has one such."""
    values = {
        "id": new_id(),
        "workspace_id": row.workspace_id,
        "run_id": row.id,
        "user_id": row.user_id,
        "path": ASLEEP,
        "attempt": 0,
        "node_id": "",
        "kind": "time",
        "status": "open",
        "until": until,
    }
    again = {"status": "open", "until": until, "updated_at": now()}
    places = [WorkflowWait.run_id, WorkflowWait.path, WorkflowWait.attempt]
    statement = insert(WorkflowWait).values(shown={}, assignees=[], **values)
    await session.execute(statement.on_conflict_do_update(index_elements=places, set_=again))


async def awake(session: AsyncSession, row: WorkflowRun) -> bool:
    """The run does not sleep any more; whether it did."""
    slept = await session.scalar(
        update(WorkflowWait)
        .where(
            WorkflowWait.run_id == row.id,
            WorkflowWait.workspace_id == row.workspace_id,
            WorkflowWait.path == ASLEEP,
            WorkflowWait.status == "open",
        )
        .values(status="expired", updated_at=now())
        .returning(WorkflowWait.id)
    )
    return slept is not None


async def first_waiting(
    session: AsyncSession, workspace_id: UUID, key: str, but: UUID, limit: int
) -> UUID | None:
    """Who has a free place next; None where nobody waits or all of the key's `limit` are taken."""
    same = (
        WorkflowRun.workspace_id == workspace_id,
        WorkflowRun.concurrency_key == key,
        WorkflowRun.ended_at.is_(None),
    )
    under_way = (
        select(func.count())
        .select_from(WorkflowRun)
        .where(*same, WorkflowRun.admitted_at.is_not(None))
    )
    return await session.scalar(
        select(WorkflowRun.id)
        .where(
            *same,
            WorkflowRun.admitted_at.is_(None),
            WorkflowRun.id != but,
            ~_sleeps(),
            under_way.scalar_subquery() < limit,
        )
        .order_by(*_FIRST)
        .limit(1)
    )


async def first_asleep(
    session: AsyncSession, workspace_id: UUID, key: str, but: UUID
) -> UUID | None:
    """Who of those that sleep for a rate's key goes first."""
    return await session.scalar(
        select(WorkflowRun.id)
        .where(*_waits_of_rate(workspace_id, key), WorkflowRun.id != but, _sleeps())
        .order_by(*_FIRST)
        .limit(1)
    )


async def left_behind(session: AsyncSession, limit: int) -> Sequence[WorkflowRun]:
    """Runs that have ended and still have a place of their key (SYSTEM scope).

    What would have let go of it could not be carried out with their end.
    """
    found = await session.scalars(
        select(WorkflowRun)
        .join(Run, Run.id == WorkflowRun.id)
        .where(
            WorkflowRun.concurrency_key.is_not(None),
            WorkflowRun.ended_at.is_(None),
            Run.ended_at.is_not(None),
        )
        .limit(limit)
    )
    return found.all()


async def forgotten(session: AsyncSession, limit: int) -> Sequence[tuple[UUID, UUID]]:
    """Workspace and id of who goes first of each key of which nobody has a place (SYSTEM scope).

    Nobody else will tell them: whoever was to do so has died.
    """
    other = aliased(WorkflowRun)
    has_place = exists().where(
        other.workspace_id == WorkflowRun.workspace_id,
        other.concurrency_key == WorkflowRun.concurrency_key,
        other.ended_at.is_(None),
        other.admitted_at.is_not(None),
    )
    key = (WorkflowRun.workspace_id, WorkflowRun.concurrency_key)
    found = await session.execute(
        select(WorkflowRun.workspace_id, WorkflowRun.id)
        .join(Run, Run.id == WorkflowRun.id)
        .where(
            Run.status == "paused",
            WorkflowRun.concurrency_key.is_not(None),
            WorkflowRun.ended_at.is_(None),
            WorkflowRun.admitted_at.is_(None),
            ~_sleeps(),
            ~has_place,
        )
        .ext(distinct_on(*key))
        .order_by(*key, *_FIRST)
        .limit(limit)
    )
    return [(row.workspace_id, row.id) for row in found]


def _waits_of_rate(workspace_id: UUID, key: str) -> tuple[ColumnElement[bool], ...]:
    return (
        WorkflowRun.workspace_id == workspace_id,
        WorkflowRun.rate_key == key,
        WorkflowRun.admitted_at.is_(None),
        WorkflowRun.ended_at.is_(None),
    )


def _goes_before(row: WorkflowRun) -> ColumnElement[bool]:
    """Higher priorities first, then whoever has waited longer."""
    older = tuple_(WorkflowRun.created_at, WorkflowRun.id) < tuple_(row.created_at, row.id)
    return (WorkflowRun.priority > row.priority) | ((WorkflowRun.priority == row.priority) & older)


def _sleeps() -> ColumnElement[bool]:
    return exists().where(
        WorkflowWait.run_id == WorkflowRun.id,
        WorkflowWait.path == ASLEEP,
        WorkflowWait.status == "open",
    )
