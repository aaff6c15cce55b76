"""What runs of workflows wait for, in Postgres."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Uuid,
    bindparam,
    case,
    cast,
    func,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.automation.engine.assignees import meant_by
from app.automation.engine.models import WorkflowWait
from app.core.clock import now
from app.core.db import SYSTEM, Database
from app.core.statements import Statement
from app.runs.runs.models import Run

OPEN = "open"

# Made once: to put such a statement together costs more than to run it.
_PLACE = tuple_(WorkflowWait.workspace_id, WorkflowWait.kind, WorkflowWait.subject)
_IS_OPEN = WorkflowWait.status == text(f"'{OPEN}'")
_WAITING = select(WorkflowWait).where(_IS_OPEN, _PLACE.in_(bindparam("wanted", expanding=True)))
_DUE = (
    select(WorkflowWait.workspace_id, WorkflowWait.run_id)
    .join(Run, Run.id == WorkflowWait.run_id)
    .where(_IS_OPEN, WorkflowWait.until <= bindparam("at"), Run.status == "paused")
)
# A subject of another kind is no id; of this side, for the runs are found by their key.
_RUN = case((WorkflowWait.kind == "run", cast(WorkflowWait.subject, Uuid)))
_ENDED = (
    select(WorkflowWait, Run)
    .join(Run, Run.id == _RUN)
    .where(_IS_OPEN, WorkflowWait.kind == "run", Run.ended_at.is_not(None))
)
_ANY_OVER = Statement(select(_DUE.exists().label("due"), _ENDED.exists().label("ended")))


async def waits(session: AsyncSession, workspace_id: UUID, run_id: UUID) -> Sequence[WorkflowWait]:
    found = await session.scalars(
        select(WorkflowWait).where(
            WorkflowWait.workspace_id == workspace_id, WorkflowWait.run_id == run_id
        )
    )
    return found.all()


async def open_wait(session: AsyncSession, values: Mapping[str, Any]) -> WorkflowWait:
    """A new wait, or the one that stands at its place already."""
    who = await meant_by(session, values["workspace_id"], values["assignees"])
    statement = insert(WorkflowWait).values(meant=who, **values).on_conflict_do_nothing()
    await session.execute(statement)
    found = await session.scalar(
        select(WorkflowWait).where(
            WorkflowWait.workspace_id == values["workspace_id"],
            WorkflowWait.run_id == values["run_id"],
            WorkflowWait.path == values["path"],
            WorkflowWait.attempt == values["attempt"],
        )
    )
    if found is None:
        raise LookupError("a wait that was just written is not there")
    return found


async def expire_wait(session: AsyncSession, workspace_id: UUID, wait_id: UUID) -> list[UUID]:
    """End a wait whose time is over, unless what it waits for has come; the run that it was for."""
    return await _end(session, workspace_id, WorkflowWait.id == wait_id, "expired")


async def bring(
    session: AsyncSession, workspace_id: UUID, wait_id: UUID, brought: Mapping[str, Any]
) -> UUID | None:
    """Bring what a wait is open for; its run, or None where it is not open any more."""
    return await session.scalar(
        update(WorkflowWait)
        .where(
            WorkflowWait.id == wait_id,
            WorkflowWait.workspace_id == workspace_id,
            WorkflowWait.status == OPEN,
        )
        .values(status="brought", brought=dict(brought), decided_at=now(), updated_at=now())
        .returning(WorkflowWait.run_id)
    )


async def close_waits(session: AsyncSession, workspace_id: UUID, run_id: UUID) -> list[UUID]:
    """End what a run waited for, because it has ended; the runs that it waited for."""
    return await _end(session, workspace_id, WorkflowWait.run_id == run_id, "closed")


async def abandon(
    session: AsyncSession, workspace_id: UUID, wait_ids: Collection[UUID]
) -> list[UUID]:
    """End waits that no step needs any more; the runs that they waited for."""
    return await _end(session, workspace_id, WorkflowWait.id.in_(wait_ids), "closed")


async def _end(
    session: AsyncSession, workspace_id: UUID, which: ColumnElement[bool], status: str
) -> list[UUID]:
    """End those that are open; the runs that they were for, which nobody waits for any more."""
    found = await session.execute(
        update(WorkflowWait)
        .where(which, WorkflowWait.workspace_id == workspace_id, WorkflowWait.status == OPEN)
        .values(status=status, updated_at=now())
        .returning(WorkflowWait.kind, WorkflowWait.subject)
        .execution_options(synchronize_session=False)
    )
    return [UUID(subject) for kind, subject in found if kind == "run"]


async def stand(session: AsyncSession, workspace_id: UUID, wait_id: UUID) -> str | None:
    """How a wait stands."""
    return await session.scalar(
        select(WorkflowWait.status).where(
            WorkflowWait.id == wait_id, WorkflowWait.workspace_id == workspace_id
        )
    )


async def expire_due(session: AsyncSession, workspace_id: UUID, run_id: UUID) -> list[UUID]:
    """End a run's waits whose time is over; the runs that these were for."""
    due = (WorkflowWait.run_id == run_id) & (WorkflowWait.until <= now())
    return await _end(session, workspace_id, due, "expired")


async def has_come(
    session: AsyncSession, workspace_id: UUID, run_id: UUID, known: Collection[UUID]
) -> bool:
    """Whether one of these waits is not open any more, or its time is over."""
    found = await session.scalar(
        select(WorkflowWait.id)
        .where(
            WorkflowWait.run_id == run_id,
            WorkflowWait.workspace_id == workspace_id,
            WorkflowWait.id.in_(known),
            (WorkflowWait.status != OPEN) | (WorkflowWait.until <= now()),
        )
        .limit(1)
    )
    return found is not None


async def any_over(database: Database, at: datetime) -> tuple[bool, bool]:
    """Whether a paused run's wait is over by time, and whether one for a run is by its end."""
    [found] = await database.ask(SYSTEM, _ANY_OVER, {"at": at})
    return found["due"], found["ended"]


async def due(session: AsyncSession, at: datetime, limit: int) -> Sequence[tuple[UUID, UUID]]:
    """Workspace and id of paused runs with a wait whose time is over (SYSTEM scope)."""
    found = await session.execute(_DUE.distinct().limit(limit), {"at": at})
    return [(row.workspace_id, row.run_id) for row in found]


async def next_until(session: AsyncSession, workspace_id: UUID, run_id: UUID) -> datetime | None:
    """When the first of a run's open waits is over; None where none of them ends by itself."""
    return await session.scalar(
        select(func.min(WorkflowWait.until)).where(
            WorkflowWait.run_id == run_id,
            WorkflowWait.workspace_id == workspace_id,
            WorkflowWait.status == OPEN,
        )
    )


async def awaited_runs(session: AsyncSession, limit: int) -> Sequence[tuple[WorkflowWait, Run]]:
    """Open waits for runs that have ended (SYSTEM scope)."""
    found = await session.execute(_ENDED.limit(limit))
    return [(row[0], row[1]) for row in found]


async def awaited_run(session: AsyncSession, wait: WorkflowWait) -> Run | None:
    """The run that a step waits for, once it has ended (SYSTEM scope)."""
    return await session.scalar(
        select(Run).where(
            Run.id == UUID(wait.subject),
            Run.workspace_id == wait.workspace_id,
            Run.ended_at.is_not(None),
        )
    )


async def waits_for(
    session: AsyncSession, wanted: Collection[tuple[UUID, str, str | None]]
) -> Sequence[WorkflowWait]:
    """The open waits by workspace, kind and subject: an event's type, or a run (SYSTEM scope)."""
    return (await session.scalars(_WAITING, {"wanted": list(wanted)})).all()
