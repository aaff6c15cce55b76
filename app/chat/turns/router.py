"""POST /v1/chat and POST /v1/conversations/{conversation_id}/turns."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request, Response

from app.agents.agents import AgentsDep
from app.chat.conversations.errors import ConversationBusy, ConversationNotFound
from app.chat.messages import service as messages
from app.chat.messages.errors import MessageNotFound
from app.chat.turns import service
from app.chat.turns.answering import Answering
from app.chat.turns.errors import TurnInvalid, TurnUnfinished
from app.chat.turns.estimate import estimate
from app.chat.turns.schemas import ChatCreate, TurnAnswer, TurnCreate, TurnEstimate, TurnRead
from app.core.auth import Access, Permission
from app.core.errors import AppError, from_problem
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.rails import AlreadyStarted, Rails, RailsDep
from app.core.http.units import run_unit
from app.core.ids import new_id
from app.core.kernel import Kernel
from app.inference.calls.edge import CallsDep
from app.inference.gate.errors import (
    AllResting,
    BudgetExceeded,
    GateAway,
    NoCandidateReady,
    PriceUnknown,
    TooManyCalls,
)
from app.inference.integrations.errors import ModelUnknown, NoModel
from app.inference.routing.errors import ModelNotAllowed, NoCandidate
from app.inference.usage.errors import LedgerFull
from app.knowledge.collections.errors import CollectionNotFound
from app.knowledge.dictionary.errors import DictionaryNotFound
from app.runs.events.errors import EventIdInvalid
from app.runs.events.event import EventId
from app.runs.events.streaming import LastEventId, event_stream_responses, stream_response
from app.runs.runs import service as runs
from app.runs.runs.bundle import RunsDep
from app.runs.runs.errors import RunNotFound
from app.runs.runs.models import Run


def _answering_of(request: Request) -> Answering:
    answering: Answering = request.app.state.answering
    return answering


AnsweringDep = Annotated[Answering, Depends(_answering_of)]
Chatter = Annotated[Access, require(Permission.CONVERSATIONS_WRITE, Permission.MODELS_INVOKE)]

router = guarded_router(prefix="/v1", tag="chat")

FAILURES = (
    ModelUnknown, NoModel, NoCandidate, ModelNotAllowed, BudgetExceeded, PriceUnknown, TooManyCalls,
    NoCandidateReady, AllResting, GateAway, LedgerFull, EventIdInvalid, TurnInvalid,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Started:
    """The run to follow: new, or begun before; of a dry run the estimate alone."""

    run_id: UUID
    after: int
    stream: bool
    run: Run | None = None
    estimate: TurnEstimate | None = None
    replayed: bool = False


def _new_start(
    access: Chatter,
    kernel: KernelDep,
    running: RunsDep,
    rails: RailsDep,
    agents: AgentsDep,
) -> service.Start:
    run_id = new_id()
    return service.Start(
        run_id,
        access,
        running.executor.id,
        lambda: run_unit(kernel, rails, access.scope, run_id),
        lambda: kernel.database.unit(access.scope),
        agents.composer,
        rails.dry_run,
    )


StartDep = Annotated[service.Start, Depends(_new_start)]


async def _start_chat(
    begin: StartDep,
    rails: RailsDep,
    kernel: KernelDep,
    calls: CallsDep,
    running: RunsDep,
    answering: AnsweringDep,
    last: LastEventId,
    new: ChatCreate,
) -> Started:
    if last is not None:
        return await _resumed(begin.access, kernel, rails, last)
    return await _begun(
        rails, running, answering, new.stream, lambda: service.start_chat(calls, begin, new)
    )


async def _start_turn(
    begin: StartDep,
    rails: RailsDep,
    kernel: KernelDep,
    calls: CallsDep,
    running: RunsDep,
    answering: AnsweringDep,
    last: LastEventId,
    conversation_id: UUID,
    new: TurnCreate,
) -> Started:
    if last is not None:
        return await _resumed(begin.access, kernel, rails, last, conversation_id)
    return await _begun(
        rails,
        running,
        answering,
        new.stream,
        lambda: service.start(calls, begin, conversation_id, new),
    )


async def _resumed(
    access: Access,
    kernel: Kernel,
    rails: Rails,
    last: EventId,
    conversation_id: UUID | None = None,
) -> Started:
    """Raises RunNotFound."""
    async with kernel.database.unit(access.scope) as session:
        run = await runs.resumed(
            session,
            access,
            last.run_id,
            service.KIND,
            subject_id=conversation_id,
            started_id=rails.started_run_id,
        )
    return Started(run.id, last.seq, stream=True, run=run)


async def _begun(
    rails: Rails,
    running: RunsDep,
    answering: Answering,
    stream: bool,
    start: Callable[[], Awaitable[service.Turn]],
) -> Started:
    """Start a run, unless the request's Idempotency-Key has started one before."""
    if rails.started_run_id is not None:
        return Started(rails.started_run_id, 0, stream, replayed=True)
    try:
        turn = await start()
    except AlreadyStarted as started:
        return Started(started.run_id, 0, stream, replayed=True)
    if rails.dry_run:
        return Started(turn.run.id, 0, stream=False, estimate=estimate(turn.prepared))
    answering.expect(turn.run.id, turn.prepared)
    running.executor.launch(turn.run)
    return Started(turn.run.id, 0, stream, turn.run)


def _turn_responses(*errors: type[AppError]) -> dict[int | str, dict[str, Any]]:
    """Both ways to answer: the message as JSON, or with `stream` the run's events."""
    documented = problems(*FAILURES, *errors)
    streamed = event_stream_responses()[200]["content"]
    documented[200] = {
        "description": "The finished turn; with `stream`, its events as they come.",
        "model": TurnAnswer,
        "content": streamed,
    }
    return documented


@router.post(
    "/chat",
    operation_id="chat_create",
    summary="Ask a model, in one call",
    response_model=None,
    responses=_turn_responses(RunNotFound, CollectionNotFound, DictionaryNotFound),
)
async def create_chat(
    access: Chatter,
    kernel: KernelDep,
    running: RunsDep,
    started: Annotated[Started, Depends(_start_chat)],
) -> Response | TurnRead | TurnEstimate:
    return await _answer(access, kernel, running, started)


@router.post(
    "/conversations/{conversation_id}/turns",
    operation_id="turns_create",
    summary="Ask the model the next thing, edit a question, or have it answered again",
    response_model=None,
    responses=_turn_responses(RunNotFound, ConversationNotFound, ConversationBusy, MessageNotFound),
)
async def create_turn(
    access: Chatter,
    kernel: KernelDep,
    running: RunsDep,
    started: Annotated[Started, Depends(_start_turn)],
) -> Response | TurnRead | TurnEstimate:
    return await _answer(access, kernel, running, started)


async def _answer(
    access: Access, kernel: Kernel, running: RunsDep, started: Started
) -> Response | TurnRead | TurnEstimate:
    if started.estimate:
        return started.estimate
    run = started.run
    if run is None:
        async with kernel.database.unit(access.scope) as session:
            run = await runs.get(session, access, started.run_id)
    if started.stream:
        response: Response = await stream_response(kernel, running.reader, run, started.after)
    else:
        turn = await _finished(access, kernel, running, run)
        response = Response(turn.model_dump_json(by_alias=True), media_type="application/json")
    if started.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return response


async def _finished(access: Access, kernel: Kernel, running: RunsDep, run: Run) -> TurnRead:
    """The turn, once its run has ended."""
    async for _ in running.reader.events(run, 0):
        pass
    async with kernel.database.unit(access.scope) as session:
        run = await runs.get(session, access, run.id)
        if run.error:
            raise from_problem(run.error)
        if run.ended_at is None:
            raise TurnUnfinished
        answer = await messages.answer_of_run(session, access.workspace_id, run.id)
        return TurnRead.model_validate(
            {
                "object": "turn",
                "run_id": run.id,
                "conversation_id": answer.conversation_id,
                "message": answer,
            }
        )
