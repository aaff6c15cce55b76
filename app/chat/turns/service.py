"""Starting a turn: have it let in, store what was said, create the run of the answer."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.agents.context.composing import Composer
from app.chat.conversations import crud as conversations_crud
from app.chat.conversations import service as conversations
from app.chat.conversations.errors import ConversationBusy
from app.chat.conversations.models import Conversation
from app.chat.messages import crud as messages_crud
from app.chat.messages import service as messages
from app.chat.messages.models import Message
from app.chat.messages.schemas import parts_of, text_of
from app.chat.turns.asking import Asked, Prepared, order_of
from app.chat.turns.context import history_of
from app.chat.turns.drawing import compaction_of, kept_of, memory_of, sources_of
from app.chat.turns.errors import TurnInvalid
from app.chat.turns.schemas import ChatCreate, TurnCreate
from app.core.audit import Note, note
from app.core.auth import Access
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.errors import FieldError
from app.core.ids import new_id
from app.inference.calls.calls import Calls
from app.inference.routing.plan import Candidate
from app.inference.usage.payer import payer_of
from app.runs.runs import service as runs
from app.runs.runs.models import Run

KIND = "chat_turn"

# Opens the transaction that a turn is stored in, and one that only reads.
OpenUnit = Callable[[], AbstractAsyncContextManager[AsyncSession]]


@dataclass(frozen=True, slots=True)
class Start:
    """The run that a turn will be: its id, who asks, which process answers, and how it is stored.

    A `dry_run` is planned and stored in a transaction that is rolled back; nobody lets it in.
    """

    run_id: UUID
    access: Access
    executor_id: str
    unit: OpenUnit
    reading: OpenUnit
    composer: Composer
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn whose run exists and whose call may be made."""

    run: Run
    prepared: Prepared


async def start(calls: Calls, begin: Start, conversation_id: UUID, new: TurnCreate) -> Turn:
    """Store the turn in one transaction, once its call was let in.

    Raises ConversationNotFound, ConversationBusy, MessageNotFound and TurnInvalid, and what
    planning and the gate raise.
    """
    access = begin.access
    async with begin.reading() as session:
        conversation = await conversations.get(session, access, conversation_id, to="write")
        await _refuse_while_busy(session, access, conversation)
        branch, unsaved = await _branch(session, access, conversation, new)
    seen = conversation.current_message_id
    asked = await _asked(begin, conversation, branch, new, is_new=bool(unsaved))
    model = new.model or conversation.model
    async with (
        _let_in(calls, begin, asked, model, conversation_id) as prepared,
        begin.unit() as session,
    ):
        conversation = await conversations.get(
            session, access, conversation_id, to="write", for_update=True
        )
        await _refuse_while_busy(session, access, conversation)
        if conversation.current_message_id != seen:
            raise ConversationBusy("Another turn has just ended; ask again.", retry_after=1)
        if new.model:
            conversation.model = new.model
        return await _begin(session, begin, conversation, unsaved, prepared)


async def start_chat(calls: Calls, begin: Start, new: ChatCreate) -> Turn:
    """Make the conversation and its first turn in one transaction.

    Raises CollectionNotFound and DictionaryNotFound, and what planning and the gate raise.
    """
    access = begin.access
    if new.collections or new.dictionaries:
        async with begin.reading() as session:
            await conversations.expect_named(session, access, new.collections, new.dictionaries)
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
        collections=conversations.stored_ids(new.collections),
        dictionaries=conversations.stored_ids(new.dictionaries),
        memory=conversations.stored(new.memory),
        compaction=conversations.stored(new.compaction),
        labels=new.metadata,
        last_active_at=now(),
    )
    branch: list[Message] = []
    for message in new.messages:
        if message.role != "system":
            parent_id = branch[-1].id if branch else None
            parts = parts_of(message.content)
            branch.append(_message(conversation, parent_id, message.role, parts))
    asked = await _asked(begin, conversation, branch, new, is_new=True)
    async with (
        _let_in(calls, begin, asked, new.model, conversation.id) as prepared,
        begin.unit() as session,
    ):
        return await _begin(session, begin, conversation, branch, prepared)


async def _asked(
    begin: Start,
    conversation: Conversation,
    branch: Sequence[Message],
    new: ChatCreate | TurnCreate,
    *,
    is_new: bool,
) -> Asked:
    """What the model is asked, grounded in what the conversation names.

    `is_new` says that the question was not asked before: facts are drawn from it once.
    """
    access, memory = begin.access, memory_of(begin.access, conversation, new)
    payer = payer_of(access, KIND, begin.run_id, conversation_id=conversation.id)
    sources = sources_of(conversation, memory)
    composed = await begin.composer.compose(access, payer, branch[-1].text, sources)
    return Asked(
        conversation.instructions,
        composed,
        branch,
        history_of(branch, compaction_of(conversation.compaction)),
        new.parameters.model_dump(exclude_none=True),
        extract=is_new and memory is not None and memory.extract,
    )


@asynccontextmanager
async def _let_in(
    calls: Calls, begin: Start, asked: Asked, model: str | None, conversation_id: UUID
) -> AsyncIterator[Prepared]:
    """Around the storing of a turn: plan it and have it let in; given back if it is not stored."""
    order = order_of(begin.access, asked.question(model, conversation_id), KIND, begin.run_id)
    plan = await calls.plan(order)
    if begin.dry_run:
        yield Prepared(asked, plan, None)
        return
    grant = await calls.admit(order, plan)
    try:
        yield Prepared(asked, plan, grant)
    except BaseException:
        calls.release(grant)
        raise


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
    unsaved: Sequence[Message],
    prepared: Prepared,
) -> Turn:
    """Store what is new, and create the run of the next answer."""
    question = prepared.asked.branch[-1]
    answer = _message(conversation, question.id, "assistant", [])
    run_id = begin.run_id
    candidate = candidate_of(prepared)
    answer.status, answer.model, answer.run_id = "streaming", candidate.target.reference, run_id
    answer.route = prepared.plan.route
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
        input=_input(begin.access, prepared, question, answer),
        executor_id=begin.executor_id,
    )
    note(session, Note("turn.started", "run", run_id, detail={"model": answer.model}))
    return Turn(run, prepared)


def candidate_of(prepared: Prepared) -> Candidate:
    """Who is asked first."""
    if prepared.grant is not None:
        return prepared.grant.call.candidate
    return prepared.plan.candidates[0]


def _input(
    access: Access, prepared: Prepared, question: Message, answer: Message
) -> dict[str, Any]:
    """What another process needs to go on: a route chooses anew there."""
    return {
        "question_id": str(question.id),
        "answer_id": str(answer.id),
        "model": prepared.plan.route or answer.model,
        "parameters": prepared.asked.parameters,
        "api_key_id": str(access.api_key_id) if access.api_key_id else None,
        "tags": list(access.rules.tags),
        "customer": access.rules.customer,
        **kept_of(access, prepared.asked, prepared.asked.told(candidate_of(prepared).target)),
    }


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
