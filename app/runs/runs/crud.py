"""Runs in Postgres."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Text,
    and_,
    any_,
    bindparam,
    case,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import now
from app.core.db import SYSTEM, Database, Row, table_of
from app.core.paging import Cursors, Keyset, Slice, fetch_page
from app.core.statements import Required, Statement
from app.core.storing import later, store
from app.runs.runs.models import UNFINISHED, Run
from app.runs.runs.schemas import RunQuery

PAUSED = "paused"

# Made once: to put such a statement together costs more than to run it.
_RUNS = table_of(Run)
_UNENDED = or_(*(_RUNS.c.status == each for each in UNFINISHED))
_MINE = and_(
    _RUNS.c.id == bindparam("run_id"),
    _RUNS.c.workspace_id == bindparam("of_workspace"),
    _RUNS.c.attempt == bindparam("of_attempt"),
    _UNENDED,
)
_HOLDERS = Statement(
    select(_RUNS.c.executor_id)
    .where(_UNENDED, _RUNS.c.kind == any_(bindparam("kinds", type_=ARRAY(Text))))
    .distinct()
)
_CANCELLED = Statement(
    select(_RUNS.c.id).where(
        _UNENDED,
        _RUNS.c.executor_id == bindparam("of_executor"),
        _RUNS.c.cancel_requested_at.is_not(None),
    )
)
_HELD = select(_RUNS.c.id).where(_MINE)
_HOLD = Required(_HELD.with_for_update())
_ENDED = (
    "status", "result", "error", "input_tokens", "output_tokens", "cost_usd", "last_seq",
    "ended_at",
)  # fmt: skip
_END = Statement(
    update(_RUNS)
    .where(
        _RUNS.c.id == bindparam("run_id"),
        _RUNS.c.workspace_id == bindparam("of_workspace"),
    )
    .values({name: bindparam(name) for name in _ENDED})
    .values(
        error=bindparam("error", type_=JSONB(none_as_null=True)), updated_at=bindparam("ended_at")
    )
)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Runs that an executor should hold but does not: not in `held`, untouched for a while."""

    held: Collection[UUID]
    untouched_since: datetime


def _unfinished() -> ColumnElement[bool]:
    return Run.status.in_(UNFINISHED)


async def get(session: AsyncSession, workspace_id: UUID, run_id: UUID) -> Run | None:
    return await session.scalar(
        select(Run).where(Run.id == run_id, Run.workspace_id == workspace_id)
    )


async def page(
    session: AsyncSession, workspace_id: UUID, user_id: UUID, query: RunQuery, cursors: Cursors
) -> Slice[Run]:
    """A user's own runs, newest first."""
    statement = select(Run).where(Run.workspace_id == workspace_id, Run.user_id == user_id)
    for column, wanted in (
        (Run.kind, query.kind),
        (Run.status, query.status),
        (Run.subject_id, query.subject_id),
    ):
        if wanted is not None:
            statement = statement.where(column == wanted)
    keyset = Keyset(Run.created_at, Run.id)
    return await fetch_page(
        session, statement, keyset, query, cursors=cursors, workspace_id=workspace_id
    )


async def add(session: AsyncSession, run: Run, *beside: Row) -> Run:
    await store(session, run)
    if beside:
        session.add_all(beside)
        await session.flush()
    return run


async def request_cancel(session: AsyncSession, wanted: ColumnElement[bool]) -> None:
    """Note the wish, and wake those that pause; what has ended or knows of it stays as it is."""
    woken = case((Run.status == PAUSED, "queued"), else_=Run.status)
    await session.execute(
        update(Run)
        .where(wanted, or_(_unfinished(), Run.status == PAUSED), Run.cancel_requested_at.is_(None))
        .values(cancel_requested_at=now(), status=woken)
        .execution_options(synchronize_session=False)
    )


def idle(workspace_id: UUID, run_id: UUID) -> ColumnElement[bool]:
    """The run, held, where no other transaction has it in hand."""
    held = select(Run.id).where(one(workspace_id, run_id))
    return Run.id.in_(held.with_for_update(skip_locked=True, key_share=True))


def one(workspace_id: UUID, run_id: UUID) -> ColumnElement[bool]:
    return and_(Run.id == run_id, Run.workspace_id == workspace_id)


async def lock(session: AsyncSession, workspace_id: UUID, run_id: UUID) -> Run | None:
    return await session.scalar(select(Run).where(one(workspace_id, run_id)).with_for_update())


async def wake(session: AsyncSession, workspace_id: UUID, run_id: UUID) -> str | None:
    """Have a run that pauses carried out; one that is about to pause sees what the caller wrote.

    The row is locked in every state, so that no wake is lost between its last look and its pause;
    not against who keeps its steps, which is no business of a wake. Gives the kind of a run that
    paused.
    """
    run = await session.scalar(
        select(Run).where(one(workspace_id, run_id)).with_for_update(key_share=True)
    )
    if run is None or run.status != PAUSED:
        return None
    run.status = "queued"
    await session.flush()
    return run.kind


async def wake_idle(session: AsyncSession, workspace_id: UUID, run_id: UUID) -> str | None:
    """The same for one that pauses and that no other transaction has in hand: its kind, or None."""
    run = await session.scalar(
        select(Run)
        .where(one(workspace_id, run_id), Run.status == PAUSED)
        .with_for_update(skip_locked=True, key_share=True)
    )
    if run is None:
        return None
    run.status = "queued"
    await session.flush()
    return run.kind


async def lock_mine(
    session: AsyncSession, workspace_id: UUID, run_id: UUID, attempt: int
) -> Run | None:
    """The unfinished run, locked; None where it has ended or another attempt has begun."""
    return await session.scalar(
        select(Run)
        .where(
            Run.id == run_id,
            Run.workspace_id == workspace_id,
            Run.attempt == attempt,
            _unfinished(),
        )
        .with_for_update()
    )


async def is_held(session: AsyncSession, workspace_id: UUID, run_id: UUID, attempt: int) -> bool:
    """Whether the run goes on, and nobody has begun another attempt at it."""
    return await session.scalar(_HELD, _mine(workspace_id, run_id, attempt)) is not None


async def hold(session: AsyncSession, workspace_id: UUID, run_id: UUID, attempt: int) -> None:
    """Lock the unfinished run before anything else of a late unit.

    Where it has ended or another attempt has begun, the unit fails by what `is_not_held` knows.
    """
    await later(session, _HOLD, _mine(workspace_id, run_id, attempt))


def is_not_held(error: Exception) -> bool:
    """Whether a unit failed because the run that it was to `hold` is another's, or has ended."""
    return _HOLD.has_failed(error)


def _mine(workspace_id: UUID, run_id: UUID, attempt: int) -> dict[str, Any]:
    return {"run_id": run_id, "of_workspace": workspace_id, "of_attempt": attempt}


async def end(
    session: AsyncSession, workspace_id: UUID, run_id: UUID, values: dict[str, Any]
) -> None:
    """Write how a run ended; `values` are all that an end writes."""
    await later(session, _END, {**values, "run_id": run_id, "of_workspace": workspace_id})


async def finish(session: AsyncSession, run: Run, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(run, name, value)
    await session.flush()


async def cancelled_of(database: Database, executor_id: str) -> list[UUID]:
    """One executor's unfinished runs that someone wants cancelled, of all workspaces."""
    found = await database.ask(SYSTEM, _CANCELLED, {"of_executor": executor_id})
    return [row["id"] for row in found]


async def any_other(session: AsyncSession, kinds: Collection[str]) -> bool:
    """Whether a run of any other kind is unfinished (SYSTEM scope)."""
    found = await session.scalar(
        select(Run.id).where(_unfinished(), Run.kind.not_in(kinds)).limit(1)
    )
    return found is not None


async def executors(database: Database, kinds: Collection[str]) -> list[str | None]:
    """Who holds unfinished runs of these kinds, of all workspaces."""
    found = await database.ask(SYSTEM, _HOLDERS, {"kinds": list(kinds)})
    return [row["executor_id"] for row in found]


async def claim(
    session: AsyncSession,
    executor_id: str,
    *,
    kinds: Collection[str],
    dead: Collection[str],
    forgotten: Forgotten | None,
    limit: int,
) -> Sequence[tuple[Run, str | None]]:
    """Take up unfinished runs, with whose they were (SYSTEM scope).

    Those of dead executors, those of none, and those `forgotten` by this one.
    """
    orphaned = or_(Run.executor_id.is_(None), Run.executor_id.in_(dead))
    if forgotten is not None:
        orphaned |= (
            (Run.executor_id == executor_id)
            & (Run.updated_at < forgotten.untouched_since)
            & Run.id.not_in(forgotten.held)
        )
    statement = (
        select(Run)
        .where(_unfinished(), Run.kind.in_(kinds), orphaned)
        .order_by(Run.created_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    runs = (await session.scalars(statement)).all()
    claimed = [(run, run.executor_id) for run in runs]
    for run in runs:
        _seize(run, executor_id)
    await session.flush()
    return claimed


async def seize(session: AsyncSession, run: Run, executor_id: str) -> None:
    """Take up a run that is locked, whoever had it."""
    _seize(run, executor_id)
    await session.flush()


def _seize(run: Run, executor_id: str) -> None:
    run.attempt += 1
    run.executor_id = executor_id
    run.status = "running"
    run.started_at = run.started_at or now()


async def let_go(session: AsyncSession, workspace_id: UUID, run_id: UUID, executor_id: str) -> None:
    """Give up a run that one executor holds, for another one to take up."""
    await session.execute(
        update(Run)
        .where(one(workspace_id, run_id), Run.executor_id == executor_id, _unfinished())
        .values(executor_id=None, status="queued")
        .execution_options(synchronize_session=False)
    )


async def unattended(
    session: AsyncSession,
    *,
    kinds: Collection[str],
    dead: Collection[str],
    untouched_since: datetime,
    limit: int,
) -> Sequence[tuple[UUID, UUID]]:
    """Workspace and id of unfinished runs of nobody, and of dead executors (SYSTEM scope).

    They are touched, so that each is found once in a while.
    """
    wanted = (
        select(Run.id)
        .where(
            _unfinished(),
            Run.kind.in_(kinds),
            or_(Run.executor_id.is_(None), Run.executor_id.in_(dead)),
            Run.updated_at < untouched_since,
        )
        .order_by(Run.created_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    found = await session.execute(
        update(Run)
        .where(Run.id.in_(wanted.scalar_subquery()))
        .values(updated_at=now())
        .returning(Run.workspace_id, Run.id)
        .execution_options(synchronize_session=False)
    )
    return [(row.workspace_id, row.id) for row in found]
