"""POST /v1/chat and POST /v1/conversations/{conversation_id}/turns."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request, Response

from app.chat.conversations.errors import ConversationBusy, ConversationNotFound
from app.chat.messages import service as messages
from app.chat.messages.errors import MessageNotFound
from app.chat.turns import service
from app.chat.turns.answering import Answering
from app.chat.turns.errors import TurnInvalid, TurnUnfinished
from app.chat.turns.schemas import ChatCreate, TurnCreate, TurnRead
from app.core.auth import Access, Permission
from app.core.errors import AppError, from_problem
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.kernel import Kernel
from app.inference.integrations.edge import DirectoryDep
from app.inference.integrations.errors import ModelUnknown, NoModel
from app.runs.events.errors import EventIdInvalid
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

FAILURES = (ModelUnknown, NoModel, EventIdInvalid, TurnInvalid)


@dataclass(frozen=True, slots=True)
class Started:
    """The run to follow: new, or the one that a Last-Event-ID names."""

    run: Run
    after: int
    stream: bool


async def _resumed(kernel: Kernel, access: Access, last: LastEventId) -> Started | None:
    """A POST that carries Last-Event-ID resumes that run and never starts a second one."""
    if last is None:
        return None
    async with kernel.database.unit(access.scope) as session:
        run = await runs.get(session, access, last.run_id)
    return Started(run, last.seq, stream=True)


async def _start_chat(
    access: Chatter, kernel: KernelDep, directory: DirectoryDep, running: RunsDep,
    answering: AnsweringDep,
    last: LastEventId, new: ChatCreate,
) -> Started:  # fmt: skip
    if resumed := await _resumed(kernel, access, last):
        return resumed
    turn = await service.start_chat(kernel, directory, running.executor.id, access, new)
    answering.expect(turn.run.id, turn.prepared)
    running.executor.launch(turn.run)
    return Started(turn.run, 0, new.stream)


async def _start_turn(
    access: Chatter, kernel: KernelDep, directory: DirectoryDep, running: RunsDep,
    answering: AnsweringDep,
    last: LastEventId, conversation_id: UUID, new: TurnCreate,
) -> Started:  # fmt: skip
    if resumed := await _resumed(kernel, access, last):
        if resumed.run.subject_id != conversation_id:
            raise RunNotFound
        return resumed
    turn = await service.start(kernel, directory, running.executor.id, access, conversation_id, new)
    answering.expect(turn.run.id, turn.prepared)
    running.executor.launch(turn.run)
    return Started(turn.run, 0, new.stream)


def _turn_responses(*errors: type[AppError]) -> dict[int | str, dict[str, Any]]:
    """Both ways to answer: the message as JSON, or with `stream` the run's events."""
    documented = problems(*FAILURES, *errors)
    streamed = event_stream_responses()[200]["content"]
    documented[200] = {
        "description": "The finished turn; with `stream`, its events as they come.",
        "model": TurnRead,
        "content": streamed,
    }
    return documented


@router.post(
    "/chat",
    operation_id="chat_create",
    summary="Ask a model, in one call",
    response_model=None,
    responses=_turn_responses(RunNotFound),
)
async def create_chat(
    access: Chatter,
    kernel: KernelDep,
    running: RunsDep,
    started: Annotated[Started, Depends(_start_chat)],
) -> Response | TurnRead:
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
) -> Response | TurnRead:
    return await _answer(access, kernel, running, started)


async def _answer(
    access: Access, kernel: Kernel, running: RunsDep, started: Started
) -> Response | TurnRead:
    if started.stream:
        return await stream_response(kernel, running.reader, started.run, started.after)
    async for _ in running.reader.events(started.run, 0):
        pass
    async with kernel.database.unit(access.scope) as session:
        run = await runs.get(session, access, started.run.id)
        if run.error:
            raise from_problem(run.error)
        if run.ended_at is None:
            raise TurnUnfinished
        answer = await messages.answer_of_run(session, access.workspace_id, run.id)
        return TurnRead.model_validate(
            {"run_id": run.id, "conversation_id": answer.conversation_id, "message": answer}
        )
