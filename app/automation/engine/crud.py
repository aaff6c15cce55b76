"""Runs of workflows, their steps and waits, in Postgres."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Uuid, bindparam, case, cast, delete, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.automation.engine.models import StepCache, WorkflowRun, WorkflowStep, WorkflowWait
from app.automation.engine.steps import Place, Step
from app.core.clock import now
from app.core.db import table_of
from app.core.ids import new_id
from app.runs.runs.models import Run

OPEN = "open"
_COLUMNS = tuple(each.name for each in fields(Step))
_KEEP = text(
    f"""
    insert into workflow_steps (id, workspace_id, run_id, {", ".join(_COLUMNS)})
    select v.id, v.workspace_id, v.run_id, {", ".join(f"v.{name}" for name in _COLUMNS)}
    from jsonb_populate_recordset(null::workflow_steps, cast(:rows as jsonb)) v
    join jsonb_to_recordset(cast(:rows as jsonb)) as h (id uuid, run_attempt int) on h.id = v.id
    join runs r on r.id = v.run_id and r.attempt = h.run_attempt
        and r.status in ('queued', 'running')
    on conflict (run_id, path, attempt) do update
        set {", ".join(f"{name} = excluded.{name}" for name in _COLUMNS)}, updated_at = now()
        where workflow_steps.status = 'started'
    returning run_id, path, attempt
    """  # noqa: S608 - names of our own columns  # nosec B608
)

# Made once: to put such a statement together costs more than to run it.
_RUNS = table_of(WorkflowRun)
_END = (
    update(_RUNS)
    .where(
        _RUNS.c.id == bindparam("run_id"),
        _RUNS.c.workspace_id == bindparam("of_workspace"),
    )
    .values(ended_at=bindparam("at"), updated_at=bindparam("at"))
    .returning(_RUNS.c.id)
)


async def add(session: AsyncSession, *rows: WorkflowRun | WorkflowStep | WorkflowWait) -> None:
    session.add_all(rows)
    await session.flush()


async def get(session: AsyncSession, workspace_id: UUID, run_id: UUID) -> WorkflowRun | None:
    return await session.scalar(
        select(WorkflowRun).where(
            WorkflowRun.id == run_id, WorkflowRun.workspace_id == workspace_id
        )
    )


async def save(session: AsyncSession) -> None:
    """Write what has changed of rows that were read."""
    await session.flush()


async def end(session: AsyncSession, workspace_id: UUID, run_id: UUID, moment: datetime) -> bool:
    """Note when a run has ended; False where it is gone."""
    found = await session.scalar(
        _END, {"run_id": run_id, "of_workspace": workspace_id, "at": moment}
    )
    return found is not None


async def take_over(session: AsyncSession, row: WorkflowRun, taken: Sequence[Step]) -> None:
    """Give a new run the steps of another one; they cost nothing again."""
    values = [
        {
            **{name: getattr(step, name) for name in _COLUMNS},
            "id": new_id(),
            "workspace_id": row.workspace_id,
            "run_id": row.id,
            "copied": True,
        }
        for step in taken
    ]
    await session.execute(insert(WorkflowStep), values)


async def steps(session: AsyncSession, workspace_id: UUID, run_id: UUID) -> list[Step]:
    columns = [getattr(WorkflowStep, name) for name in _COLUMNS]
    found = await session.execute(
        select(*columns).where(
            WorkflowStep.workspace_id == workspace_id, WorkflowStep.run_id == run_id
        )
    )
    return [Step(**row) for row in found.mappings()]


async def keep_steps(
    session: AsyncSession, rows: Sequence[Mapping[str, Any]]
) -> set[tuple[UUID, str, int]]:
    """Write steps of runs that are still held; those that were written, by run and place.

    Each row has `id`, `workspace_id`, `run_id`, `run_attempt`, and the fields of a Step.
    """
    written = orjson.dumps(rows, default=str).decode()
    found = await session.execute(_KEEP, {"rows": written})
    return {(row.run_id, row.path, row.attempt) for row in found}


async def step_at(
    session: AsyncSession, workspace_id: UUID, run_id: UUID, place: Place
) -> Step | None:
    path, attempt = place
    columns = [getattr(WorkflowStep, name) for name in _COLUMNS]
    found = await session.execute(
        select(*columns).where(
            WorkflowStep.workspace_id == workspace_id,
            WorkflowStep.run_id == run_id,
            WorkflowStep.path == path,
            WorkflowStep.attempt == attempt,
        )
    )
    row = found.mappings().one_or_none()
    return Step(**row) if row is not None else None


async def waits(session: AsyncSession, workspace_id: UUID, run_id: UUID) -> Sequence[WorkflowWait]:
    found = await session.scalars(
        select(WorkflowWait).where(
            WorkflowWait.workspace_id == workspace_id, WorkflowWait.run_id == run_id
        )
    )
    return found.all()


async def open_wait(session: AsyncSession, values: Mapping[str, Any]) -> WorkflowWait:
    """A new wait, or the one that stands at its place already."""
    statement = insert(WorkflowWait).values(**values).on_conflict_do_nothing()
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


async def expire_wait(session: AsyncSession, workspace_id: UUID, wait_id: UUID) -> None:
    """End a wait whose time is over, unless what it waits for has come meanwhile."""
    await session.execute(
        update(WorkflowWait)
        .where(
            WorkflowWait.id == wait_id,
            WorkflowWait.workspace_id == workspace_id,
            WorkflowWait.status == OPEN,
        )
        .values(status="expired", updated_at=now())
    )


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
    found = await session.execute(
        update(WorkflowWait)
        .where(
            WorkflowWait.run_id == run_id,
            WorkflowWait.workspace_id == workspace_id,
            WorkflowWait.status == OPEN,
        )
        .values(status="closed", updated_at=now())
        .returning(WorkflowWait.kind, WorkflowWait.subject)
        .execution_options(synchronize_session=False)
    )
    return [UUID(subject) for kind, subject in found if kind == "run"]


async def expire_due(session: AsyncSession, workspace_id: UUID, run_id: UUID) -> None:
    """End a run's waits whose time is over."""
    await session.execute(
        update(WorkflowWait)
        .where(
            WorkflowWait.run_id == run_id,
            WorkflowWait.workspace_id == workspace_id,
            WorkflowWait.status == OPEN,
            WorkflowWait.until <= now(),
        )
        .values(status="expired", updated_at=now())
    )


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


async def due(session: AsyncSession, until: datetime, limit: int) -> Sequence[tuple[UUID, UUID]]:
    """Workspace and id of paused runs with a wait whose time is over (SYSTEM scope)."""
    found = await session.execute(
        select(WorkflowWait.workspace_id, WorkflowWait.run_id)
        .join(Run, Run.id == WorkflowWait.run_id)
        .where(WorkflowWait.status == OPEN, WorkflowWait.until <= until, Run.status == "paused")
        .distinct()
        .limit(limit)
    )
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
    # A subject of another kind is no id; of this side, for the runs are found by their key.
    awaited = case((WorkflowWait.kind == "run", cast(WorkflowWait.subject, Uuid)))
    found = await session.execute(
        select(WorkflowWait, Run)
        .join(Run, Run.id == awaited)
        .where(WorkflowWait.status == OPEN, WorkflowWait.kind == "run", Run.ended_at.is_not(None))
        .limit(limit)
    )
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
    W = WorkflowWait  # noqa: N806 - a short name for a table
    found = await session.scalars(
        select(W).where(
            W.status == text(f"'{OPEN}'"), tuple_(W.workspace_id, W.kind, W.subject).in_(wanted)
        )
    )
    return found.all()


async def cached(session: AsyncSession, workspace_id: UUID, key: str) -> dict[str, Any] | None:
    return await session.scalar(
        select(StepCache.given).where(
            StepCache.workspace_id == workspace_id,
            StepCache.key == key,
            StepCache.expires_at > now(),
        )
    )


async def cache(session: AsyncSession, values: Mapping[str, Any]) -> None:
    statement = insert(StepCache).values(**values)
    fresh = {name: statement.excluded[name] for name in ("given", "expires_at", "user_id")}
    await session.execute(
        statement.on_conflict_do_update(index_elements=["workspace_id", "key"], set_=fresh)
    )


async def purge_cache(session: AsyncSession) -> None:
    """Drop what has expired (SYSTEM scope)."""
    await session.execute(delete(StepCache).where(StepCache.expires_at <= now()))
