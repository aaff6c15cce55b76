"""Runs in Postgres."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import now
from app.core.paging import Cursors, Keyset, Slice, fetch_page
from app.runs.runs.models import Run
from app.runs.runs.schemas import RunQuery

UNFINISHED = ("queued", "running")
PAUSED = "paused"


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


async def add(session: AsyncSession, run: Run) -> Run:
    session.add(run)
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


def one(workspace_id: UUID, run_id: UUID) -> ColumnElement[bool]:
    return and_(Run.id == run_id, Run.workspace_id == workspace_id)


async def wake(session: AsyncSession, workspace_id: UUID, run_id: UUID) -> None:
    """Have a run that pauses carried out; one that is about to pause sees what the caller wrote.

    The row is locked in every state, so that no wake is lost between its last look and its pause.
    """
    statement = select(Run).where(one(workspace_id, run_id)).with_for_update()
    run = await session.scalar(statement)
    if run is not None and run.status == PAUSED:
        run.status = "queued"
        await session.flush()


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
    statement = select(Run.id).where(
        Run.id == run_id, Run.workspace_id == workspace_id, Run.attempt == attempt, _unfinished()
    )
    return await session.scalar(statement) is not None


async def finish(session: AsyncSession, run: Run, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(run, name, value)
    await session.flush()


async def cancelled_of(session: AsyncSession, executor_id: str) -> Sequence[UUID]:
    """One executor's unfinished runs that someone wants cancelled (SYSTEM scope)."""
    found = await session.scalars(
        select(Run.id).where(
            _unfinished(), Run.executor_id == executor_id, Run.cancel_requested_at.is_not(None)
        )
    )
    return found.all()


async def executors(session: AsyncSession, kinds: Collection[str]) -> list[str | None]:
    """Who holds unfinished runs of these kinds (SYSTEM scope)."""
    found = await session.scalars(
        select(Run.executor_id).where(_unfinished(), Run.kind.in_(kinds)).distinct()
    )
    return list(found.all())


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
        run.attempt += 1
        run.executor_id = executor_id
        run.status = "running"
        run.started_at = run.started_at or now()
    await session.flush()
    return claimed
