"""An agent's runs over HTTP: start one, list them."""

from typing import Annotated, Any

from fastapi import Depends, Query, Response

from app.agents.definitions.errors import AgentNotFound
from app.agents.runtime import service
from app.agents.runtime.edge import FAILURES, LauncherDep, Reader, Runner
from app.agents.runtime.schemas import (
    AgentRunAnswer,
    AgentRunEstimate,
    AgentRunRead,
    ExecutionQuery,
)
from app.agents.runtime.starting import Started, answer, start_agent_run
from app.core.errors import AppError, Unauthenticated
from app.core.http.guard import KernelDep, ScopeMissing, guarded_router
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page, Slice
from app.runs.events.streaming import event_stream_responses
from app.runs.runs.errors import RunNotFound
from app.runs.runs.models import Run
from app.runs.runs.schemas import RunRead

router = guarded_router(prefix="/v1/agents/{agent}/runs", tag="agent runs")


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
    return await answer(access, kernel, launcher, started)


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
