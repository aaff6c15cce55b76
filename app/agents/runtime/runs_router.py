"""An agent's run over HTTP: look at it, have it go on, do it again."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Response

from app.agents.runtime import service
from app.agents.runtime.edge import FAILURES, LauncherDep, Reader, Runner
from app.agents.runtime.errors import RunNotEnded, RunNotPaused, StepUnknown
from app.agents.runtime.launching import Launcher
from app.agents.runtime.models import ToolApproval
from app.agents.runtime.schemas import (
    AgentRunAnswer,
    AgentRunRead,
    ApprovalRead,
    ResumeRequest,
    RunContextRead,
    StepList,
)
from app.agents.runtime.starting import Started, answer, start_fork, start_retry
from app.core.auth import Access
from app.core.errors import Unauthenticated
from app.core.http.guard import KernelDep, ScopeMissing, guarded_router
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.kernel import Kernel
from app.runs.runs.bundle import RunsDep
from app.runs.runs.errors import RunNotFound

router = guarded_router(prefix="/v1/runs/{agent_run_id}", tag="agent runs")


@router.get(
    "/result",
    operation_id="agent_runs_get",
    summary="Show an agent's run with its result",
    response_model=AgentRunRead,
    responses=problems(RunNotFound, Unauthenticated, ScopeMissing),
)
async def get_run(agent_run_id: UUID, access: Reader, session: Session) -> AgentRunRead:
    return (await service.show(session, access, agent_run_id)).read()


@router.get(
    "/steps",
    operation_id="agent_runs_list_steps",
    summary="Show what an agent's run did, step by step",
    response_model=StepList,
    responses=problems(RunNotFound, Unauthenticated, ScopeMissing),
)
async def list_steps(agent_run_id: UUID, access: Reader, session: Session) -> dict[str, Any]:
    return {"data": await service.steps(session, access, agent_run_id)}


@router.get(
    "/context",
    operation_id="agent_runs_get_context",
    summary="Explain what entered the prompts of an agent's run, or of a chat's turn",
    response_model=RunContextRead,
    responses=problems(RunNotFound, Unauthenticated, ScopeMissing),
)
async def get_context(agent_run_id: UUID, access: Reader, session: Session) -> dict[str, Any]:
    return await service.context(session, access, agent_run_id)


@router.get(
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


@router.post(
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


@router.post(
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


@router.post(
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
    answered = await answer(access, kernel, launcher, started)
    assert isinstance(answered, Response)  # noqa: S101 - only an estimate is none
    answered.status_code = 202
    return answered
