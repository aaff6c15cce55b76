"""Workflows' runs, their steps and waits, read from Postgres."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, Select, Text, case, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, defer

from app.automation.engine.models import WorkflowRun, WorkflowStep, WorkflowWait
from app.automation.runs.reach import visible
from app.automation.runs.schemas import StepQuery, WorkflowRunQuery
from app.core.auth import Access
from app.core.paging import Cursors, Keyset, Slice, fetch_page
from app.runs.runs.models import Run

# What a list shows of a value; beyond it, how it begins.
MOST_SHOWN: Final = 8192
PREVIEW: Final = 500
_LARGE = (defer(WorkflowRun.definition), defer(WorkflowRun.inputs))
_VALUES: Final = ("input", "output", "logs")


async def get(
    session: AsyncSession, workspace_id: UUID, access: Access, run_id: UUID
) -> WorkflowRun | None:
    """One that the caller sees."""
    return await session.scalar(_runs(workspace_id, access).where(WorkflowRun.id == run_id))


async def runs(session: AsyncSession, workspace_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Run]:
    """The rows that have the state of some runs, by id."""
    found = await session.scalars(
        select(Run).where(Run.workspace_id == workspace_id, Run.id.in_(ids))
    )
    return {run.id: run for run in found}


async def page(
    session: AsyncSession,
    workspace_id: UUID,
    access: Access,
    query: WorkflowRunQuery,
    cursors: Cursors,
) -> Slice[WorkflowRun]:
    """Newest first, without definitions and inputs."""
    statement = _runs(workspace_id, access).options(*_LARGE).where(*_wanted(query))
    if query.status is not None:
        statement = statement.join(Run, Run.id == WorkflowRun.id).where(Run.status == query.status)
    keyset = Keyset(WorkflowRun.created_at, WorkflowRun.id)
    return await fetch_page(
        session, statement, keyset, query, cursors=cursors, workspace_id=workspace_id
    )


def _runs(workspace_id: UUID, access: Access) -> Select[WorkflowRun]:
    return select(WorkflowRun).where(WorkflowRun.workspace_id == workspace_id, visible(access))


def _wanted(query: WorkflowRunQuery) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if query.workflow is not None:
        wanted.append(of_workflow(query.workflow))
    if query.trigger is not None:
        wanted.append(WorkflowRun.trigger == query.trigger)
    if query.trigger_id is not None:
        wanted.append(WorkflowRun.trigger_id == query.trigger_id)
    if query.since is not None:
        wanted.append(WorkflowRun.created_at >= query.since)
    if query.until is not None:
        wanted.append(WorkflowRun.created_at < query.until)
    if query.parent_run_id is not None:
        wanted.append(WorkflowRun.parent_run_id == query.parent_run_id)
    if query.q is not None:
        told = (
            WorkflowRun.workflow_slug,
            WorkflowRun.workflow_name,
            cast(WorkflowRun.labels, Text),
        )
        wanted.append(or_(*(each.icontains(query.q, autoescape=True) for each in told)))
    return wanted


def of_workflow(reference: str) -> ColumnElement[bool]:
    """By the workflow's id, or by the slug that it had when the run began."""
    by_slug = WorkflowRun.workflow_slug == reference
    try:
        return or_(WorkflowRun.workflow_id == UUID(reference), by_slug)
    except ValueError:
        return by_slug


async def was_begun(
    session: AsyncSession,
    workspace_id: UUID,
    run_id: UUID,
    workflow: str | None,
    reused_from_id: UUID | None,
) -> bool:
    """Whether a request has begun it: to run this workflow, or to do that run again."""
    wanted = [WorkflowRun.reused_from_id == reused_from_id]
    if workflow is not None:
        wanted = [of_workflow(workflow), WorkflowRun.trigger == "api"]
    found = await session.scalar(
        select(WorkflowRun.id).where(
            WorkflowRun.workspace_id == workspace_id, WorkflowRun.id == run_id, *wanted
        )
    )
    return found is not None


async def open_waits(
    session: AsyncSession, workspace_id: UUID, run_id: UUID, limit: int
) -> Sequence[WorkflowWait]:
    """What a run waits for, the oldest first."""
    found = await session.scalars(
        select(WorkflowWait)
        .where(
            WorkflowWait.workspace_id == workspace_id,
            WorkflowWait.run_id == run_id,
            WorkflowWait.status == "open",
            ~WorkflowWait.path.startswith("~"),  # the engine's own: the run's deadline
        )
        .order_by(WorkflowWait.created_at, WorkflowWait.id)
        .limit(limit)
    )
    return found.all()


async def steps_page(
    session: AsyncSession, workspace_id: UUID, run_id: UUID, query: StepQuery, cursors: Cursors
) -> Slice[WorkflowStep]:
    """In the order of their ends, without inputs, outputs and logs; those under way come first."""
    statement = (
        select(WorkflowStep)
        .options(*(defer(getattr(WorkflowStep, name)) for name in _VALUES))
        .where(WorkflowStep.workspace_id == workspace_id, WorkflowStep.run_id == run_id)
    )
    for column, wanted in (
        (WorkflowStep.status, query.status),
        (WorkflowStep.node_id, query.node),
        (WorkflowStep.path, query.path),
    ):
        if wanted is not None:
            statement = statement.where(column == wanted)
    return await fetch_page(
        session,
        statement,
        Keyset(WorkflowStep.position, WorkflowStep.id, descending=False),
        query,
        cursors=cursors,
        workspace_id=workspace_id,
        within=str(run_id),
    )


async def shown_values(
    session: AsyncSession, workspace_id: UUID, step_ids: Sequence[UUID]
) -> dict[UUID, dict[str, Any]]:
    """`input`, `output` and `logs` of steps; of a large one its size and how it begins."""
    columns = [
        column.label(f"{name}_{part}")
        for name in _VALUES
        for part, column in _parts(getattr(WorkflowStep, name)).items()
    ]
    rows = await session.execute(
        select(WorkflowStep.id, *columns).where(
            WorkflowStep.workspace_id == workspace_id, WorkflowStep.id.in_(step_ids)
        )
    )
    return {row["id"]: {name: _shown(row, name) for name in _VALUES} for row in rows.mappings()}


def _parts(column: InstrumentedAttribute[Any]) -> dict[str, ColumnElement[Any]]:
    written = cast(column, Text)
    size = func.octet_length(written, type_=Integer)
    is_small = size <= MOST_SHOWN
    return {
        "value": case((is_small, column)),
        "size": func.coalesce(size, 0),
        "preview": case((~is_small, func.left(written, PREVIEW))),
    }


def _shown(row: Any, name: str) -> Any:
    size: int = row[f"{name}_size"]
    if size <= MOST_SHOWN:
        return row[f"{name}_value"]
    return {"truncated": True, "size": size, "preview": row[f"{name}_preview"]}


async def step(
    session: AsyncSession, workspace_id: UUID, run_id: UUID, step_id: UUID
) -> WorkflowStep | None:
    return await session.scalar(
        select(WorkflowStep).where(
            WorkflowStep.workspace_id == workspace_id,
            WorkflowStep.run_id == run_id,
            WorkflowStep.id == step_id,
        )
    )
