"""Starting a turn: store what was said, make room for the answer, create the run."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from uuid import UUID

from app.chat.conversations import crud as conversations_crud
from app.chat.conversations import service as conversations
from app.chat.conversations.errors import ConversationBusy
from app.chat.conversations.models import Conversation
from app.chat.messages import crud as messages_crud
from app.chat.messages import service as messages
from app.chat.messages.models import Message
from app.chat.messages.schemas import parts_of, text_of
from app.chat.turns.context import Prepared, build_request
from app.chat.turns.errors import TurnInvalid
from app.chat.turns.schemas import ChatCreate, Parameters, TurnCreate
from app.core.audit import Note, note
from app.core.auth import Access
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.errors import FieldError
from app.core.ids import new_id
from app.inference.integrations.directory import Directory, Target
from app.inference.integrations.errors import ModelUnknown, NoModel
from app.inference.usage import service as ledger
from app.runs.runs import service as runs
from app.runs.runs.models import Run

KIND = "chat_turn"


# Opens the transaction that a turn is stored in.
OpenUnit = Callable[[], AbstractAsyncContextManager[AsyncSession]]


@dataclass(frozen=True, slots=True)
class Start:
    """The run that a turn will be: its id, who asks, which process answers, and the transaction."""

    run_id: UUID
    access: Access
    executor_id: str
    unit: OpenUnit


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn whose run exists and whose request to the model is ready."""

    run: Run
    prepared: Prepared


async def start(directory: Directory, begin: Start, conversation_id: UUID, new: TurnCreate) -> Turn:
    """Store the turn in one transaction.

    Raises ConversationNotFound, ConversationBusy, MessageNotFound, ModelUnknown, NoModel and
    TurnInvalid.
    """
    workspace_id = begin.access.workspace_id
    # Known before the transaction, so that it takes no second connection within.
    await directory.endpoints(workspace_id)
    try:
        return await _start(directory, begin, conversation_id, new)
    except (ModelUnknown, NoModel):
        # A provider may offer it that was never asked; no transaction waits for the answer.
        await directory.refresh(workspace_id)
        return await _start(directory, begin, conversation_id, new)


async def _start(
    directory: Directory, begin: Start, conversation_id: UUID, new: TurnCreate
) -> Turn:
    access = begin.access
    async with begin.unit() as session:
        conversation = await conversations.get(
            session, access, conversation_id, to="write", for_update=True
        )
        await _refuse_while_busy(session, access, conversation)
        model = new.model or conversation.model
        target = await directory.known_target(access.workspace_id, model)
        branch, unsaved = await _branch(session, access, conversation, new)
        if new.model:
            conversation.model = new.model
        return await _begin(session, begin, conversation, branch, unsaved, target, new.parameters)


async def start_chat(directory: Directory, begin: Start, new: ChatCreate) -> Turn:
    """Make the conversation and its first turn in one transaction."""
    access = begin.access
    target = await directory.target(access.workspace_id, new.model)
    system = [
        text_of(parts_of(message.content)) for message in new.messages if message.role == "system"
    ]
    conversation = Conversation(
        id=new_id(),
        workspace_id=access.workspace_id,
        user_id=access.user_id,
        title="",
        title_source="none",
        model=new.model,
        instructions="\n\n".join(filter(None, [new.instructions, *system])),
        labels=new.metadata,
        last_active_at=now(),
    )
    branch: list[Message] = []
    for message in new.messages:
        if message.role != "system":
            parent_id = branch[-1].id if branch else None
            parts = parts_of(message.content)
            branch.append(_message(conversation, parent_id, message.role, parts))
    async with begin.unit() as session:
        return await _begin(session, begin, conversation, branch, branch, target, new.parameters)


async def _refuse_while_busy(
    session: AsyncSession, access: Access, conversation: Conversation
) -> None:
    if conversation.active_run_id is None:
        return
    # It may be the run of someone else who takes part.
    run = await runs.find(session, access.workspace_id, conversation.active_run_id)
    if run is not None and run.ended_at is None:
        raise ConversationBusy(
            f"Run {run.id} is answering; read its events, wait for its end, or cancel it.",
            retry_after=1,
        )


async def _branch(
    session: AsyncSession, access: Access, conversation: Conversation, new: TurnCreate
) -> tuple[Sequence[Message], Sequence[Message]]:
    """The messages up to the one to answer, and which of them are new."""
    workspace_id, conversation_id = access.workspace_id, conversation.id
    parent_id = conversation.current_message_id
    if new.regenerate_message_id:
        found = await messages.find(
            session, workspace_id, conversation_id, new.regenerate_message_id
        )
        is_answer = found.role == "assistant" and found.parent_id
        parent_id = found.parent_id if is_answer else found.id
    elif new.edit_message_id:
        edited = await messages.find(session, workspace_id, conversation_id, new.edit_message_id)
        _expect(edited, "user", "edit_message_id")
        parent_id = edited.parent_id
    elif new.parent_message_id:
        parent = await messages.find(session, workspace_id, conversation_id, new.parent_message_id)
        _expect(parent, "assistant", "parent_message_id")
        parent_id = parent.id
    before: Sequence[Message] = ()
    if parent_id:
        before = await messages_crud.branch(session, workspace_id, conversation_id, parent_id)
    if new.content is None:
        return before, ()
    question = _message(conversation, parent_id, "user", parts_of(new.content))
    return [*before, question], [question]


def _expect(message: Message, role: str, field: str) -> None:
    if message.role != role:
        said = f"must be a message of the {role}"
        raise TurnInvalid(
            f"{field} {said}.", errors=(FieldError(f"/body/{field}", "wrong_role", said),)
        )


async def _begin(
    session: AsyncSession,
    begin: Start,
    conversation: Conversation,
    branch: Sequence[Message],
    unsaved: Sequence[Message],
    target: Target,
    parameters: Parameters,
) -> Turn:
    """Store what is new, create the run of the next answer, and open the call it will make."""
    asked = parameters.model_dump(exclude_none=True)
    answer = _message(conversation, branch[-1].id, "assistant", [])
    run_id = begin.run_id
    answer.status, answer.model, answer.run_id = "streaming", target.reference, run_id
    conversation.current_message_id = answer.id
    conversation.active_run_id = run_id
    conversation.last_active_at = now()
    await conversations_crud.add(session, conversation)
    await messages_crud.add(session, [*unsaved, answer])
    run = await runs.create(
        session,
        begin.access,
        run_id=run_id,
        kind=KIND,
        subject_id=conversation.id,
        input={
            "question_id": str(branch[-1].id),
            "answer_id": str(answer.id),
            "model": target.reference,
            "parameters": asked,
        },
        executor_id=begin.executor_id,
    )
    note(session, Note("turn.started", "run", run_id, detail={"model": target.reference}))
    request = build_request(target, conversation.instructions, branch, asked, "")
    caller = ledger.Caller(run.workspace_id, run.user_id, begin.executor_id, KIND, run.id)
    call_id = await ledger.open_call(session, caller, target, request)
    return Turn(run, Prepared(target, request, call_id))


def _message(
    conversation: Conversation, parent_id: UUID | None, role: str, parts: list[dict[str, object]]
) -> Message:
    return Message(
        id=new_id(),
        workspace_id=conversation.workspace_id,
        conversation_id=conversation.id,
        parent_id=parent_id,
        role=role,
        parts=parts,
        text=text_of(parts),
    )
