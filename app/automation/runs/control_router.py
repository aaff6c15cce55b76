"""Workflows' runs over HTTP: hold them, end them, do them again."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Response

from app.automation.engine.edge import StarterDep
from app.automation.engine.errors import (
    NodeUnknown,
    WorkflowRunEnded,
    WorkflowRunNotEnded,
    WorkflowRunNotFound,
)
from app.automation.engine.starting import Again
from app.automation.runs import control
from app.automation.runs.answering import answer_of
from app.automation.runs.beginning import Beginning, Started, Way
from app.automation.runs.edge import FAILURES, Runner
from app.automation.runs.rehearsal_schemas import WorkflowRunRehearsal
from app.automation.runs.schemas import (
    WorkflowRunAnswer,
    WorkflowRunCancel,
    WorkflowRunRead,
    WorkflowRunRerun,
    WorkflowRunResume,
    WorkflowRunRetry,
)
from app.automation.workflows import checking
from app.automation.workflows.edge import BenchDep, NodeTypesDep
from app.core.auth import Permission
from app.core.errors import Unauthenticated
from app.core.http.guard import KernelDep, ScopeMissing, guarded_router
from app.core.http.problems import problems
from app.core.http.rails import RailsDep
from app.core.http.units import Session
from app.runs.events.errors import EventIdInvalid
from app.runs.events.streaming import LastEventId, event_stream_responses
from app.runs.runs.bundle import RunsDep
from app.runs.runs.errors import RunNotFound

router = guarded_router(prefix="/v1/workflow-runs/{workflow_run_id}", tag="workflow runs")

_GOING = problems(WorkflowRunNotFound, WorkflowRunEnded, Unauthenticated, ScopeMissing)
_AGAIN: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "With `stream` its events, with `wait` the run at its end, or where it "
        "waits; of a dry run what it would come to.",
        "model": WorkflowRunAnswer,
        "content": event_stream_responses()[200]["content"],
    },
    202: {"description": "The run as it begins.", "model": WorkflowRunRead},
    **problems(
        WorkflowRunNotFound, WorkflowRunNotEnded, NodeUnknown, *FAILURES, RunNotFound,
        EventIdInvalid, Unauthenticated, ScopeMissing,
    ),
}  # fmt: skip


@router.post(
    "/pause",
    operation_id="workflow_runs_pause",
    summary="Hold a run",
    description="Steps that are under way end; no other begins until it is resumed.",
    status_code=202,
    response_model=WorkflowRunRead,
    responses=_GOING,
)
async def pause_workflow_run(
    workflow_run_id: UUID, access: Runner, session: Session, running: RunsDep
) -> WorkflowRunRead:
    return await control.pause(session, access, running, workflow_run_id)


@router.post(
    "/resume",
    operation_id="workflow_runs_resume",
    summary="Have a run go on that a person or a budget holds",
    status_code=202,
    response_model=WorkflowRunRead,
    responses=_GOING,
)
async def resume_workflow_run(
    workflow_run_id: UUID,
    access: Runner,
    session: Session,
    running: RunsDep,
    body: WorkflowRunResume | None = None,
) -> WorkflowRunRead:
    budget = body.budget_usd if body else None
    return await control.resume(session, access, running, workflow_run_id, budget)


@router.post(
    "/cancel",
    operation_id="workflow_runs_cancel",
    summary="End a run, and undo what it did where that is wanted",
    description=(
        "Without `compensate` it stops within a second. A run that has ended stays as it is."
    ),
    status_code=202,
    response_model=WorkflowRunRead,
    responses=problems(WorkflowRunNotFound, Unauthenticated, ScopeMissing),
)
async def cancel_workflow_run(
    workflow_run_id: UUID,
    access: Runner,
    session: Session,
    running: RunsDep,
    body: WorkflowRunCancel | None = None,
) -> WorkflowRunRead:
    compensate = body is not None and body.compensate
    return await control.cancel(session, access, running, workflow_run_id, compensate=compensate)


async def start_workflow_retry(
    access: Runner,
    kernel: KernelDep,
    rails: RailsDep,
    starter: StarterDep,
    types: NodeTypesDep,
    last: LastEventId,
    workflow_run_id: UUID,
    body: WorkflowRunRetry | None = None,
) -> Started:
    body = body or WorkflowRunRetry()
    beginning = Beginning(kernel, rails, starter, types, access, Way(body.stream, body.wait))
    if last is not None:
        return await beginning.resume(last, again=workflow_run_id)
    return await beginning.begin_again(Again(workflow_run_id, body.from_nodes))


async def start_workflow_rerun(
    access: Runner,
    kernel: KernelDep,
    rails: RailsDep,
    starter: StarterDep,
    bench: BenchDep,
    last: LastEventId,
    workflow_run_id: UUID,
    body: WorkflowRunRerun,
) -> Started:
    way = Way(body.stream, body.wait)
    beginning = Beginning(kernel, rails, starter, bench.types, access, way)
    if last is not None:
        return await beginning.resume(last, again=workflow_run_id)
    flow = None
    if body.definition is not None:
        if Permission.WORKFLOWS_WRITE not in access.permissions:
            raise ScopeMissing("Another definition needs the permission `workflows:write`.")
        flow, _ = await checking.expect_sound(bench, access, body.definition)
    wanted = Again(
        workflow_run_id, body.from_nodes or (), flow, body.version, body.label, body.inputs
    )
    return await beginning.begin_again(wanted)


@router.post(
    "/retry",
    operation_id="workflow_runs_retry",
    summary="Do a run again from the nodes that failed",
    description=(
        "A new run: what the others gave is taken over and costs nothing, and what comes after "
        "one that is done again is done again too."
    ),
    response_model=None,
    responses=_AGAIN,
)
async def retry_workflow_run(
    access: Runner,
    kernel: KernelDep,
    running: RunsDep,
    started: Annotated[Started, Depends(start_workflow_retry)],
) -> Response | WorkflowRunRead | WorkflowRunRehearsal:
    return await answer_of(kernel, running, access, started)


@router.post(
    "/rerun",
    operation_id="workflow_runs_rerun",
    summary="Do a run again, with another definition or other inputs",
    description=(
        "A new run. Done again are the nodes of `from`, those that the definition changes, and "
        "what comes after them; the others' outputs are taken over. With other `inputs`, all is "
        "done again. `definition` takes the permission `workflows:write`, and is not stored."
    ),
    response_model=None,
    responses=_AGAIN,
)
async def rerun_workflow_run(
    access: Runner,
    kernel: KernelDep,
    running: RunsDep,
    started: Annotated[Started, Depends(start_workflow_rerun)],
) -> Response | WorkflowRunRead | WorkflowRunRehearsal:
    return await answer_of(kernel, running, access, started)
