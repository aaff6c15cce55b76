"""What callers see of workflows' runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from app.automation.engine.errors import WorkflowRunNotFound
from app.automation.engine.models import WorkflowRun, WorkflowStep, WorkflowWait
from app.automation.language.flow import Flow
from app.automation.runs import crud
from app.automation.runs.errors import WorkflowStepNotFound
from app.automation.runs.schemas import (
    StepQuery,
    WorkflowRunItem,
    WorkflowRunQuery,
    WorkflowRunRead,
    WorkflowStepRead,
    WorkflowWaitRead,
)
from app.core.auth import Access
from app.core.db import AsyncSession
from app.core.paging import Cursors, Slice
from app.runs.runs.models import Run

MOST_WAITS: Final = 100
_OF_RUN: Final = (
    "id", "status", "error", "input_tokens", "output_tokens", "cost_usd", "created_at",
    "started_at", "ended_at",
)  # fmt: skip
_OF_WORKFLOW_RUN: Final = (
    "workflow_id", "workflow_name", "workflow_version", "user_id", "trigger", "trigger_id",
    "parent_run_id", "parent_path", "reused_from_id", "priority", "admitted_at", "paused_at",
    "deadline_at",
)  # fmt: skip
_OF_STEP: Final = (
    "id", "path", "node_id", "node_type", "attempt", "status", "position", "port", "error",
    "input_tokens", "output_tokens", "cost_usd", "copied", "ready_at", "started_at", "ended_at",
    "retry_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shown:
    """A run, with what it was begun with."""

    run: Run
    workflow_run: WorkflowRun

    @property
    def flow(self) -> Flow:
        return Flow.model_validate(self.workflow_run.definition)


async def show(session: AsyncSession, access: Access, run_id: UUID) -> Shown:
    """A run that the caller sees; raises WorkflowRunNotFound."""
    workflow_run = await crud.get(session, access.workspace_id, access, run_id)
    run = (await crud.runs(session, access.workspace_id, [run_id])).get(run_id)
    if workflow_run is None or run is None:
        raise WorkflowRunNotFound("You see no run of a workflow with this id.")
    return Shown(run, workflow_run)


async def read(session: AsyncSession, access: Access, run_id: UUID) -> WorkflowRunRead:
    """Raises WorkflowRunNotFound."""
    shown = await show(session, access, run_id)
    waits = await crud.open_waits(session, access.workspace_id, run_id, MOST_WAITS)
    return WorkflowRunRead.model_validate(
        {
            **_told(shown.run, shown.workflow_run),
            "inputs": shown.workflow_run.inputs,
            "output": (shown.run.result or {}).get("output"),
            "not_undone": (shown.run.result or {}).get("not_undone", ()),
            "waits": [_wait(each) for each in waits],
        }
    )


async def page(
    session: AsyncSession, access: Access, query: WorkflowRunQuery, cursors: Cursors
) -> Slice[WorkflowRunItem]:
    """Raises CursorInvalid."""
    found = await crud.page(session, access.workspace_id, access, query, cursors)
    runs = await crud.runs(session, access.workspace_id, [each.id for each in found.data])
    return found.map(lambda each: WorkflowRunItem.model_validate(_told(runs[each.id], each)))


async def steps(
    session: AsyncSession, access: Access, run_id: UUID, query: StepQuery, cursors: Cursors
) -> Slice[WorkflowStepRead]:
    """Raises WorkflowRunNotFound and CursorInvalid."""
    await show(session, access, run_id)
    found = await crud.steps_page(session, access.workspace_id, run_id, query, cursors)
    ids = [step.id for step in found.data]
    values = await crud.shown_values(session, access.workspace_id, ids)
    return found.map(lambda step: _step(step, values[step.id]))


async def step(
    session: AsyncSession, access: Access, run_id: UUID, step_id: UUID
) -> WorkflowStepRead:
    """With its values whole; raises WorkflowRunNotFound and WorkflowStepNotFound."""
    await show(session, access, run_id)
    found = await crud.step(session, access.workspace_id, run_id, step_id)
    if found is None:
        raise WorkflowStepNotFound
    values = {"input": found.input, "output": found.output, "logs": found.logs}
    return _step(found, values)


def _step(step: WorkflowStep, values: Mapping[str, Any]) -> WorkflowStepRead:
    told = {name: getattr(step, name) for name in _OF_STEP}
    return WorkflowStepRead.model_validate({**told, **values})


def _told(run: Run, workflow_run: WorkflowRun) -> dict[str, Any]:
    return {
        "object": "workflow_run",
        **{name: getattr(workflow_run, name) for name in _OF_WORKFLOW_RUN},
        **{name: getattr(run, name) for name in _OF_RUN},
        "workflow": workflow_run.workflow_slug,
        "metadata": workflow_run.labels,
    }


def _wait(wait: WorkflowWait) -> WorkflowWaitRead:
    return WorkflowWaitRead.model_validate(wait)
