"""Agents over the protocols of front ends."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Path, Response

from app.agents.frontends import ag_ui, ai_sdk, service
from app.agents.frontends.asked import Asked
from app.agents.frontends.errors import FrontendMessageInvalid
from app.agents.frontends.schemas import AgUiRequest, AiSdkRequest
from app.agents.runtime.edge import FAILURES, LauncherDep, Runner
from app.agents.runtime.errors import ApprovalDecided, ApprovalNotFound, RunNotPaused
from app.agents.runtime.launching import Launcher
from app.agents.runtime.schemas import AgentRunEstimate
from app.core.auth import Access, Permission
from app.core.errors import AppError, Unauthenticated
from app.core.http.event_stream import EventStream
from app.core.http.guard import KernelDep, ScopeMissing, guarded_router, require
from app.core.http.problems import problems
from app.core.http.rails import AlreadyStarted, DryRunRefused, Rails, RailsDep
from app.core.http.units import Session, request_unit, run_unit
from app.core.kernel import Kernel
from app.runs.dialects.dialects import Name, dialect_of
from app.runs.dialects.schemas import AG_UI, AI_SDK
from app.runs.dialects.streaming import Heard, dialect_response, heard_to, heard_to_answer
from app.runs.events.errors import EventsExpired
from app.runs.runs import service as runs
from app.runs.runs.errors import RunNotFound

Watcher = Annotated[Access, require(Permission.AGENTS_RUN)]
ChatId = Annotated[str, Path(min_length=1, max_length=200)]

router = guarded_router(prefix="/v1/agents/{agent}", tag="agent front ends")

_PROBLEMS = (
    *FAILURES, FrontendMessageInvalid, ApprovalNotFound, ApprovalDecided, RunNotFound,
    RunNotPaused, EventsExpired, Unauthenticated, ScopeMissing,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Followed:
    """The run to tell of, from where the client has heard; of a dry run the estimate alone."""

    run_id: UUID
    heard: Heard
    replayed: bool = False
    estimate: AgentRunEstimate | None = None


async def _followed(
    access: Access, kernel: Kernel, rails: Rails, launcher: Launcher, agent: str, asked: Asked
) -> Followed:
    if asked.answers or asked.unpaused is not None:
        return await _continued(access, kernel, rails, launcher, asked)
    if rails.started_run_id is not None:
        return Followed(rails.started_run_id, heard_to(0), replayed=True)
    run_id = service.run_id_of(access, agent, asked)
    if run_id is not None:
        async with kernel.database.unit(access.scope) as session:
            if await service.begun(session, access, run_id, alone=False):
                return Followed(run_id, heard_to(0), replayed=True)
    ready = await launcher.prepare(access, service.wanted(access, agent, asked))
    try:
        async with run_unit(kernel, rails, access.scope, ready.execution.id) as session:
            if run_id is not None and await service.begun(session, access, run_id, alone=True):
                raise AlreadyStarted(run_id)
            run = await launcher.store(session, access, ready)
    except AlreadyStarted as started:
        return Followed(started.run_id, heard_to(0), replayed=True)
    if rails.dry_run:
        return Followed(run.id, heard_to(0), estimate=await launcher.estimate(access, ready))
    launcher.launch(run, ready)
    return Followed(run.id, heard_to(0))


async def _continued(
    access: Access, kernel: Kernel, rails: Rails, launcher: Launcher, asked: Asked
) -> Followed:
    if rails.dry_run:
        raise DryRunRefused
    heard = (
        heard_to_answer([each.approval_id for each in asked.answers])
        if asked.unpaused is None
        else heard_to(asked.unpaused.seq)
    )
    if rails.started_run_id is not None:
        return Followed(rails.started_run_id, heard, replayed=True)
    try:
        async with request_unit(kernel, rails, access.scope) as session:
            run_id = await service.go_on(session, access, launcher.runs, asked)
            await rails.keep_run(run_id)
    except AlreadyStarted as started:
        return Followed(started.run_id, heard, replayed=True)
    return Followed(run_id, heard)


async def _told(
    access: Access, kernel: Kernel, launcher: Launcher, name: Name, followed: Followed
) -> Response | AgentRunEstimate:
    if followed.estimate is not None:
        return followed.estimate
    async with kernel.database.unit(access.scope) as session:
        run = await runs.get(session, access, followed.run_id)
    response = await dialect_response(
        kernel, launcher.runs.reader, run, dialect_of(name, run), followed.heard
    )
    if followed.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return response


def _responses(
    protocol: str, schema: str, *errors: type[AppError]
) -> dict[int | str, dict[str, Any]]:
    documented = problems(*errors)
    documented[200] = {
        "description": f"The run as {protocol}, up to its end or to where it waits.",
        "headers": {
            "X-Run-Id": {
                "description": "The run that is told of.",
                "schema": {"type": "string", "format": "uuid"},
            }
        },
        "content": {"text/event-stream": {"schema": {"$ref": f"#/components/schemas/{schema}"}}},
    }
    return documented


def _begun(protocol: str, schema: str) -> dict[int | str, dict[str, Any]]:
    documented = _responses(protocol, schema, *_PROBLEMS)
    documented[200]["model"] = AgentRunEstimate
    documented[200]["description"] += " A dry run tells who would be asked."
    return documented


async def start_by_ai_sdk(
    access: Runner,
    kernel: KernelDep,
    rails: RailsDep,
    launcher: LauncherDep,
    agent: str,
    body: AiSdkRequest,
) -> Followed:
    return await _followed(access, kernel, rails, launcher, agent, ai_sdk.asked(body))


@router.post(
    "/ai-sdk",
    operation_id="agent_frontends_ai_sdk",
    summary="Talk to an agent from the Vercel AI SDK",
    description=(
        "The `api` of a `DefaultChatTransport`. A message from the user begins a run. Answers to "
        "approvals in the last message decide them, and their run goes on; what is told then is "
        "what the message does not have yet. The run goes on when the connection drops."
    ),
    response_model=None,
    responses=_begun("the AI SDK's UI message stream", AI_SDK),
)
async def talk_by_ai_sdk(
    access: Runner,
    kernel: KernelDep,
    launcher: LauncherDep,
    followed: Annotated[Followed, Depends(start_by_ai_sdk)],
) -> Response | AgentRunEstimate:
    return await _told(access, kernel, launcher, "ai-sdk", followed)


@router.get(
    "/ai-sdk/{chat_id}/stream",
    operation_id="agent_frontends_reconnect",
    summary="Find the run of a chat again, from the Vercel AI SDK",
    description=(
        "What `reconnectToStream` asks for: the chat's newest run that has not ended, told from "
        "its beginning. 204 where there is none."
    ),
    response_model=None,
    responses={
        **_responses("the AI SDK's UI message stream", AI_SDK, *FAILURES[:1], EventsExpired,
                     Unauthenticated, ScopeMissing),
        204: {"description": "No run of this chat is under way."},
    },
)  # fmt: skip
async def reconnect_by_ai_sdk(
    agent: str,
    chat_id: ChatId,
    access: Watcher,
    session: Session,
    kernel: KernelDep,
    launcher: LauncherDep,
) -> Response:
    run = await service.active(session, access, agent, chat_id)
    if run is None:
        return Response(status_code=204)
    dialect = dialect_of("ai-sdk", run)
    stream: EventStream = await dialect_response(
        kernel, launcher.runs.reader, run, dialect, heard_to(0)
    )
    return stream


async def start_by_ag_ui(
    access: Runner,
    kernel: KernelDep,
    rails: RailsDep,
    launcher: LauncherDep,
    agent: str,
    body: AgUiRequest,
) -> Followed:
    return await _followed(access, kernel, rails, launcher, agent, ag_ui.asked(body))


@router.post(
    "/ag-ui",
    operation_id="agent_frontends_ag_ui",
    summary="Talk to an agent from an AG-UI client",
    description=(
        "The `url` of an `HttpAgent`. The same `threadId` and `runId` again find the run again, "
        "and tell it from its beginning. `resume` answers interrupts: approvals, and budgets."
    ),
    response_model=None,
    responses=_begun("AG-UI events", AG_UI),
)
async def talk_by_ag_ui(
    access: Runner,
    kernel: KernelDep,
    launcher: LauncherDep,
    followed: Annotated[Followed, Depends(start_by_ag_ui)],
) -> Response | AgentRunEstimate:
    return await _told(access, kernel, launcher, "ag-ui", followed)
