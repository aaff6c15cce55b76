"""Workflows' runs over HTTP: begin them, and look at them."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Response

from app.automation.engine.edge import StarterDep
from app.automation.engine.errors import WorkflowRunNotFound
from app.automation.nodes.starting import RunWanted
from app.automation.runs import service
from app.automation.runs.answering import answer_of
from app.automation.runs.beginning import Beginning, Started, Way
from app.automation.runs.edge import FAILURES, Reader, Runner
from app.automation.runs.errors import WorkflowStepNotFound
from app.automation.runs.rehearsal_schemas import WorkflowRunRehearsal
from app.automation.runs.schemas import (
    StepQuery,
    WorkflowRunAnswer,
    WorkflowRunCreate,
    WorkflowRunItem,
    WorkflowRunQuery,
    WorkflowRunRead,
    WorkflowStepRead,
)
from app.automation.workflows.edge import NodeTypesDep
from app.core.errors import AppError, Unauthenticated
from app.core.http.guard import KernelDep, ScopeMissing, guarded_router
from app.core.http.problems import problems
from app.core.http.rails import RailsDep
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page, Slice
from app.runs.events.errors import EventIdInvalid
from app.runs.events.streaming import LastEventId, event_stream_responses
from app.runs.runs.bundle import RunsDep
from app.runs.runs.errors import RunNotFound

starting_router = guarded_router(prefix="/v1/workflows/{workflow}/runs", tag="workflow runs")
router = guarded_router(prefix="/v1/workflow-runs", tag="workflow runs")


async def start_workflow_run(
    access: Runner,
    kernel: KernelDep,
    rails: RailsDep,
    starter: StarterDep,
    types: NodeTypesDep,
    last: LastEventId,
    workflow: str,
    new: WorkflowRunCreate,
) -> Started:
    beginning = Beginning(kernel, rails, starter, types, access, Way(new.stream, new.wait))
    if last is not None:
        return await beginning.resume(last, workflow=workflow)
    wanted = RunWanted(
        workflow,
        new.inputs,
        new.version,
        new.label,
        key=new.key and f"api:{access.user_id}:{new.key}",
        priority=new.priority,
        metadata=new.metadata,
    )
    return await beginning.begin(wanted)


def _responses(*errors: type[AppError]) -> dict[int | str, dict[str, Any]]:
    """Both ways to answer: the result as JSON, or with `stream` the run's events."""
    documented = problems(*FAILURES, *errors, EventIdInvalid, Unauthenticated, ScopeMissing)
    documented[200] = {
        "description": "The run at its end, or where it waits; with `stream`, its events.",
        "model": WorkflowRunAnswer,
        "content": event_stream_responses()[200]["content"],
    }
    documented[202] = {
        "description": "With `wait: false`: the run as it begins.",
        "model": WorkflowRunRead,
    }
    return documented


@starting_router.post(
    "",
    operation_id="workflow_runs_create",
    summary="Run a workflow",
    description=(
        "`workflow` is a slug or an id. The run goes on when the connection drops: a repeated "
        "request with its `Idempotency-Key`, or one with `Last-Event-ID`, finds it again. A run "
        "that waits answers with the status `paused`. `dry_run` walks the graph with the mocks "
        "of its nodes, and does nothing."
    ),
    response_model=None,
    responses=_responses(RunNotFound),
)
async def create_workflow_run(
    access: Runner,
    kernel: KernelDep,
    running: RunsDep,
    started: Annotated[Started, Depends(start_workflow_run)],
) -> Response | WorkflowRunRead | WorkflowRunRehearsal:
    return await answer_of(kernel, running, access, started)


@router.get(
    "",
    operation_id="workflow_runs_list",
    summary="List runs of workflows, newest first",
    description="The caller's own, and those of the workflows that they may change.",
    response_model=Page[WorkflowRunItem],
    responses=problems(CursorInvalid, Unauthenticated, ScopeMissing),
)
async def list_workflow_runs(
    query: Annotated[WorkflowRunQuery, Query()], access: Reader, session: Session, kernel: KernelDep
) -> Slice[WorkflowRunItem]:
    return await service.page(session, access, query, kernel.cursors)


@router.get(
    "/{workflow_run_id}",
    operation_id="workflow_runs_get",
    summary="Show a run of a workflow with its result",
    response_model=WorkflowRunRead,
    responses=problems(WorkflowRunNotFound, Unauthenticated, ScopeMissing),
)
async def get_workflow_run(
    workflow_run_id: UUID, access: Reader, session: Session
) -> WorkflowRunRead:
    return await service.read(session, access, workflow_run_id)


@router.get(
    "/{workflow_run_id}/steps",
    operation_id="workflow_runs_list_steps",
    summary="List what a run did, step by step",
    description=(
        "In the order of their ends; what is under way comes first. A value of more than 8 KiB is "
        "`{truncated, size, preview}`; the step itself has it whole."
    ),
    response_model=Page[WorkflowStepRead],
    responses=problems(WorkflowRunNotFound, CursorInvalid, Unauthenticated, ScopeMissing),
)
async def list_workflow_steps(
    workflow_run_id: UUID,
    query: Annotated[StepQuery, Query()],
    access: Reader,
    session: Session,
    kernel: KernelDep,
) -> Slice[WorkflowStepRead]:
    return await service.steps(session, access, workflow_run_id, query, kernel.cursors)


@router.get(
    "/{workflow_run_id}/steps/{workflow_step_id}",
    operation_id="workflow_runs_get_step",
    summary="Show a step with its whole input, output and log",
    response_model=WorkflowStepRead,
    responses=problems(WorkflowRunNotFound, WorkflowStepNotFound, Unauthenticated, ScopeMissing),
)
async def get_workflow_step(
    workflow_run_id: UUID, workflow_step_id: UUID, access: Reader, session: Session
) -> WorkflowStepRead:
    return await service.step(session, access, workflow_run_id, workflow_step_id)
