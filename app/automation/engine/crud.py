"""Runs of workflows and their steps in Postgres."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Dialect, bindparam, select, text, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.automation.engine.models import WorkflowRun, WorkflowStep
from app.automation.engine.steps import Place, Step
from app.core.db import table_of
from app.core.ids import new_id

_COLUMNS = tuple(each.name for each in fields(Step))
_POSTGRES: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
_TYPES = {
    **dict.fromkeys(("id", "workspace_id", "run_id"), "uuid"),
    **{name: table_of(WorkflowStep).c[name].type.compile(_POSTGRES) for name in _COLUMNS},
}
# Who takes a run up locks its row for update: it comes before the steps that are written here, and
# they are refused, or after them, and it sees them all.
_KEEP = text(
    f"""
    insert into workflow_steps ({", ".join(_TYPES)})
    select {", ".join(f"v.{name}" for name in _TYPES)}
    from jsonb_to_recordset(cast(:rows as jsonb))
        as v ({", ".join(f"{name} {kind}" for name, kind in _TYPES.items())}, run_attempt integer)
    join runs r on r.id = v.run_id and r.attempt = v.run_attempt
        and r.status in ('queued', 'running')
    for key share of r
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
            "input_tokens": 0,
            "output_tokens": 0,
            "cost_usd": Decimal(0),
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
