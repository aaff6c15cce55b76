"""Agents' runs over HTTP: start, look, decide, resume, do again."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Response

from app.agents.definitions.errors import (
    AgentNotFound,
)
from app.agents.runtime import service
from app.agents.runtime.edge import FAILURES, LauncherDep, Runner
from app.agents.runtime.errors import (
    ApprovalDecided,
    ApprovalNotFound,
    RunNotEnded,
    RunNotPaused,
    StepUnknown,
)
from app.agents.runtime.launching import Launcher, Ready, RunWanted
from app.agents.runtime.models import ToolApproval
from app.agents.runtime.schemas import (
    AgentRunAnswer,
    AgentRunCreate,
    AgentRunEstimate,
    AgentRunRead,
    ApprovalDecision,
    ApprovalQuery,
    ApprovalRead,
    ExecutionQuery,
    ForkRequest,
    ResumeRequest,
    RetryRequest,
    RunContextRead,
    StepList,
)
from app.core.auth import Access, Permission
from app.core.errors import AppError, Unauthenticated
from app.core.http.guard import KernelDep, ScopeMissing, guarded_router, require
from app.core.http.problems import problems
from app.core.http.rails import AlreadyStarted, Rails, RailsDep
from app.core.http.units import Session, run_unit
from app.core.kernel import Kernel
from app.core.paging import CursorInvalid, Page, Slice
from app.runs.events.streaming import LastEventId, event_stream_responses, stream_response
from app.runs.runs import service as runs
from app.runs.runs.bundle import RunsDep
from app.runs.runs.errors import RunNotFound
from app.runs.runs.models import Run
from app.runs.runs.schemas import RunRead

Reader = Annotated[Access, require(Permission.RUNS_READ)]
Decider = Annotated[Access, require(Permission.AGENTS_RUN)]

router = guarded_router(prefix="/v1/agents/{agent}/runs", tag="agent runs")
runs_router = guarded_router(prefix="/v1/runs/{agent_run_id}", tag="agent runs")
approvals_router = guarded_router(prefix="/v1/approvals", tag="approvals")


@dataclass(frozen=True, slots=True)
class Started:
    """The run to follow: new, or begun before; of a dry run the estimate alone."""

    run_id: UUID
    after: int
    stream: bool
    wait: bool = True
    estimate: AgentRunEstimate | None = None
    replayed: bool = False
    run: Run | None = None


async def start_agent_run(
    access: Runner,
    kernel: KernelDep,
    rails: RailsDep,
    launcher: LauncherDep,
    last: LastEventId,
    agent: str,
    new: AgentRunCreate,
) -> Started:
    if last is not None:
        return Started(last.run_id, last.seq, stream=True)
    if rails.started_run_id is not None:
        return Started(rails.started_run_id, 0, new.stream, new.wait, replayed=True)
    wanted = RunWanted(
        agent,
        new.asked(),
        new.variables,
        new.version,
        new.label,
        new.model,
        conversation_id=new.conversation_id,
        metadata=new.metadata,
        budget_usd=new.budget_usd,
    )
    ready = await launcher.prepare(access, wanted)
    return await _launched(access, kernel, rails, launcher, ready, stream=new.stream, wait=new.wait)


async def _launched(
    access: Access,
    kernel: Kernel,
    rails: Rails,
    launcher: Launcher,
    ready: Ready,
    *,
    stream: bool,
    wait: bool,
) -> Started:
    run_id = ready.execution.id
    try:
        async with run_unit(kernel, rails, access.scope, run_id) as session:
            run = await launcher.store(session, access, ready)
    except AlreadyStarted as started:
        return Started(started.run_id, 0, stream, wait, replayed=True)
    if rails.dry_run:
        return Started(run_id, 0, stream=False, estimate=await launcher.estimate(access, ready))
    launcher.launch(run, ready)
    return Started(run_id, 0, stream, wait, run=run)


def _responses(*errors: type[AppError]) -> dict[int | str, dict[str, Any]]:
    """Both ways to answer: the result as JSON, or with `stream` the run's events."""
    documented = problems(*FAILURES, *errors, Unauthenticated, ScopeMissing)
    streamed = event_stream_responses()[200]["content"]
    documented[200] = {
        "description": "The run at its end, or where it waits; with `stream`, its events.",
        "model": AgentRunAnswer,
        "content": streamed,
    }
    return documented


@router.post(
    "",
    operation_id="agent_runs_create",
    summary="Have an agent do something",
    description=(
        "`agent` is a slug or an id. The run goes on when the connection drops: a repeated "
        "request with its `Idempotency-Key`, or one with `Last-Event-ID`, finds it again. A run "
        "that waits for an approval or for its budget answers with the status `paused`."
    ),
    response_model=None,
    responses=_responses(RunNotFound),
)
async def create_run(
    access: Runner,
    kernel: KernelDep,
    launcher: LauncherDep,
    started: Annotated[Started, Depends(start_agent_run)],
) -> Response | AgentRunRead | AgentRunEstimate:
    return await _answer(access, kernel, launcher, started)


async def _answer(
    access: Access, kernel: Kernel, launcher: Launcher, started: Started
) -> Response | AgentRunRead | AgentRunEstimate:
    if started.estimate is not None:
        return started.estimate
    run = started.run
    if run is None:
        async with kernel.database.unit(access.scope) as session:
            run = await runs.get(session, access, started.run_id)
    if started.stream:
        response: Response = await stream_response(kernel, launcher.runs.reader, run, started.after)
    else:
        if started.wait:
            await launcher.settled(access, run)
        async with kernel.database.unit(access.scope) as session:
            shown = await service.show(session, access, started.run_id)
        response = Response(
            shown.read().model_dump_json(by_alias=True),
            media_type="application/json",
            headers={"X-Run-Id": str(started.run_id)},
        )
    if started.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return response


@router.get(
    "",
    operation_id="agent_runs_list",
    summary="List an agent's runs",
    description="The caller's own, newest first.",
    response_model=Page[RunRead],
    responses=problems(AgentNotFound, CursorInvalid, Unauthenticated, ScopeMissing),
)
async def list_runs(
    agent: str,
    query: Annotated[ExecutionQuery, Query()],
    access: Reader,
    session: Session,
    kernel: KernelDep,
    launcher: LauncherDep,
) -> Slice[Run]:
    role = await launcher.cast(access, agent)
    assert role.agent_id is not None  # noqa: S101 - a stored agent has its id
    return await service.page(session, access, role.agent_id, query, kernel.cursors)


@runs_router.get(
    "/result",
    operation_id="agent_runs_get",
    summary="Show an agent's run with its result",
    response_model=AgentRunRead,
    responses=problems(RunNotFound, Unauthenticated, ScopeMissing),
)
async def get_run(agent_run_id: UUID, access: Reader, session: Session) -> AgentRunRead:
    return (await service.show(session, access, agent_run_id)).read()


@runs_router.get(
    "/steps",
    operation_id="agent_runs_list_steps",
    summary="Show what an agent's run did, step by step",
    response_model=StepList,
    responses=problems(RunNotFound, Unauthenticated, ScopeMissing),
)
async def list_steps(agent_run_id: UUID, access: Reader, session: Session) -> dict[str, Any]:
    return {"data": await service.steps(session, access, agent_run_id)}


@runs_router.get(
    "/context",
    operation_id="agent_runs_get_context",
    summary="Explain what entered the prompts of an agent's run",
    response_model=RunContextRead,
    responses=problems(RunNotFound, Unauthenticated, ScopeMissing),
)
async def get_context(agent_run_id: UUID, access: Reader, session: Session) -> dict[str, Any]:
    shown = await service.show(session, access, agent_run_id)
    steps = await service.steps(session, access, agent_run_id)
    return {
        "run_id": agent_run_id,
        "instructions": shown.execution.instructions,
        "data": [
            {
                "path": step.path,
                "number": step.number,
                "agent": step.agent_slug,
                "context": step.context or {},
            }
            for step in steps
            if step.kind == "model"
        ],
    }


@runs_router.get(
    "/approvals",
    operation_id="agent_runs_list_approvals",
    summary="List the approvals of an agent's run",
    response_model=list[ApprovalRead],
    responses=problems(RunNotFound, Unauthenticated, ScopeMissing),
)
async def list_run_approvals(
    agent_run_id: UUID, access: Reader, session: Session
) -> list[ToolApproval]:
    return list(await service.approvals(session, access, agent_run_id))


@runs_router.post(
    "/resume",
    operation_id="agent_runs_resume",
    summary="Have a run that waits for its budget go on",
    status_code=202,
    response_model=AgentRunRead,
    responses=problems(RunNotFound, RunNotPaused, Unauthenticated, ScopeMissing),
)
async def resume_run(
    agent_run_id: UUID, body: ResumeRequest, access: Runner, session: Session, running: RunsDep
) -> AgentRunRead:
    shown = await service.resume(session, access, running, agent_run_id, body.budget_usd)
    return shown.read()


async def start_retry(
    access: Runner,
    kernel: KernelDep,
    rails: RailsDep,
    launcher: LauncherDep,
    agent_run_id: UUID,
    body: RetryRequest,
) -> Started:
    return await start_fork(
        access, kernel, rails, launcher, agent_run_id, ForkRequest(from_step=body.from_step)
    )


async def start_fork(
    access: Runner,
    kernel: KernelDep,
    rails: RailsDep,
    launcher: LauncherDep,
    agent_run_id: UUID,
    body: ForkRequest,
) -> Started:
    if rails.started_run_id is not None:
        return Started(rails.started_run_id, 0, stream=False, wait=False, replayed=True)
    ready = await launcher.fork(
        access,
        agent_run_id,
        body.from_step,
        model=body.model,
        version=body.version,
        budget_usd=body.budget_usd,
    )
    return await _launched(access, kernel, rails, launcher, ready, stream=False, wait=False)


@runs_router.post(
    "/retry",
    operation_id="agent_runs_retry",
    summary="Do a run again from a step on",
    description="A new run; what came before the step is taken over and costs nothing.",
    status_code=202,
    response_model=AgentRunAnswer,
    responses=problems(RunNotFound, RunNotEnded, StepUnknown, *FAILURES),
)
async def retry_run(
    access: Runner,
    kernel: KernelDep,
    launcher: LauncherDep,
    started: Annotated[Started, Depends(start_retry)],
) -> Response:
    return await _forked(access, kernel, launcher, started)


@runs_router.post(
    "/fork",
    operation_id="agent_runs_fork",
    summary="Do a run again from a step on, with another model or version",
    status_code=202,
    response_model=AgentRunAnswer,
    responses=problems(RunNotFound, RunNotEnded, StepUnknown, *FAILURES),
)
async def fork_run(
    access: Runner,
    kernel: KernelDep,
    launcher: LauncherDep,
    started: Annotated[Started, Depends(start_fork)],
) -> Response:
    return await _forked(access, kernel, launcher, started)


async def _forked(access: Access, kernel: Kernel, launcher: Launcher, started: Started) -> Response:
    if started.estimate is not None:
        return Response(started.estimate.model_dump_json(), media_type="application/json")
    answer = await _answer(access, kernel, launcher, started)
    assert isinstance(answer, Response)  # noqa: S101 - only an estimate is none
    answer.status_code = 202
    return answer


@approvals_router.get(
    "",
    operation_id="approvals_list",
    summary="List calls of tools that wait for a person, or waited",
    description="Those of the caller's own runs; whoever may change agents sees everyone's.",
    response_model=Page[ApprovalRead],
    responses=problems(CursorInvalid, Unauthenticated, ScopeMissing),
)
async def list_approvals(
    query: Annotated[ApprovalQuery, Query()], access: Decider, session: Session, kernel: KernelDep
) -> Slice[ToolApproval]:
    return await service.approvals_page(session, access, query, kernel.cursors)


@approvals_router.get(
    "/{approval_id}",
    operation_id="approvals_get",
    summary="Show a call that waits for a person",
    response_model=ApprovalRead,
    responses=problems(ApprovalNotFound, Unauthenticated, ScopeMissing),
)
async def get_approval(approval_id: UUID, access: Decider, session: Session) -> ToolApproval:
    return await service.approval(session, access, approval_id)


@approvals_router.post(
    "/{approval_id}",
    operation_id="approvals_decide",
    summary="Agree to a call, or decline it",
    description="Decided once; the run goes on with exactly the arguments that are shown.",
    response_model=ApprovalRead,
    responses=problems(ApprovalNotFound, ApprovalDecided, Unauthenticated, ScopeMissing),
)
async def decide_approval(
    approval_id: UUID,
    decision: ApprovalDecision,
    access: Decider,
    session: Session,
    running: RunsDep,
) -> ToolApproval:
    return await service.decide(session, access, running, approval_id, decision)
