"""Starting a turn: store what was said, make room for the answer, create the run."""

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
from app.chat.turns.errors import TurnInvalid
from app.chat.turns.schemas import ChatCreate, Parameters, TurnCreate
from app.core.auth import Access
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.errors import FieldError
from app.core.ids import new_id
from app.core.kernel import Kernel
from app.inference.integrations.directory import Directory
from app.runs.runs import service as runs
from app.runs.runs.models import Run

KIND = "chat_turn"


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn whose run exists; `answer_id` is the assistant's message, still empty."""

    run: Run
    conversation_id: UUID
    answer_id: UUID


async def start(
    kernel: Kernel,
    directory: Directory,
    executor_id: str,
    access: Access,
    conversation_id: UUID,
    new: TurnCreate,
) -> Turn:
    """Store the turn in one transaction.

    Raises ConversationNotFound, ConversationBusy, MessageNotFound, ModelUnknown, NoModel and
    TurnInvalid.
    """
    async with kernel.database.unit(access.scope) as session:
        conversation = await conversations.get(session, access, conversation_id, for_update=True)
        await _refuse_while_busy(session, access, conversation)
        target = await directory.target(access.workspace_id, new.model or conversation.model)
        question = await _question(session, access, conversation, new)
        if new.model:
            conversation.model = new.model
        return await _begin(
            session, access, conversation, question, target.reference, new.parameters, executor_id
        )


async def start_chat(
    kernel: Kernel, directory: Directory, executor_id: str, access: Access, new: ChatCreate
) -> Turn:
    """Make the conversation and its first turn in one transaction."""
    target = await directory.target(access.workspace_id, new.model)
    said = [message for message in new.messages if message.role != "system"]
    system = [
        text_of(parts_of(message.content)) for message in new.messages if message.role == "system"
    ]
    async with kernel.database.unit(access.scope) as session:
        conversation = await conversations_crud.add(
            session,
            Conversation(
                id=new_id(),
                workspace_id=access.workspace_id,
                user_id=access.user_id,
                title="",
                title_source="none",
                model=new.model,
                instructions="\n\n".join(filter(None, [new.instructions, *system])),
                labels=new.metadata,
                last_active_at=now(),
            ),
        )
        parent_id = None
        for message in said:
            row = _message(conversation, parent_id, message.role, parts_of(message.content))
            await messages_crud.add(session, [row])
            parent_id = row.id
        return await _begin(
            session, access, conversation, row, target.reference, new.parameters, executor_id
        )


async def _refuse_while_busy(
    session: AsyncSession, access: Access, conversation: Conversation
) -> None:
    if conversation.active_run_id is None:
        return
    run = await runs.get(session, access, conversation.active_run_id)
    if run.ended_at is None:
        raise ConversationBusy(
            f"Run {run.id} is answering; read its events, wait for its end, or cancel it.",
            retry_after=1,
        )


async def _question(
    session: AsyncSession, access: Access, conversation: Conversation, new: TurnCreate
) -> Message:
    """The user's message to answer: a new one at its place, or the one to answer again."""
    workspace_id, conversation_id = access.workspace_id, conversation.id
    if new.regenerate_message_id:
        found = await messages.find(
            session, workspace_id, conversation_id, new.regenerate_message_id
        )
        if found.role == "assistant" and found.parent_id:
            found = await messages.find(session, workspace_id, conversation_id, found.parent_id)
        return found
    parent_id = conversation.current_message_id
    if new.edit_message_id:
        edited = await messages.find(session, workspace_id, conversation_id, new.edit_message_id)
        _expect(edited, "user", "edit_message_id")
        parent_id = edited.parent_id
    elif new.parent_message_id:
        parent = await messages.find(session, workspace_id, conversation_id, new.parent_message_id)
        _expect(parent, "assistant", "parent_message_id")
        parent_id = parent.id
    message = _message(conversation, parent_id, "user", parts_of(new.content or ""))
    await messages_crud.add(session, [message])
    return message


def _expect(message: Message, role: str, field: str) -> None:
    if message.role != role:
        said = f"must be a message of the {role}"
        raise TurnInvalid(
            f"{field} {said}.", errors=(FieldError(f"/body/{field}", "wrong_role", said),)
        )


async def _begin(
    session: AsyncSession,
    access: Access,
    conversation: Conversation,
    question: Message,
    model: str,
    parameters: Parameters,
    executor_id: str,
) -> Turn:
    answer = _message(conversation, question.id, "assistant", [])
    answer.status, answer.model = "streaming", model
    run = await runs.create(
        session,
        access,
        kind=KIND,
        subject_id=conversation.id,
        input={
            "question_id": str(question.id),
            "answer_id": str(answer.id),
            "model": model,
            "parameters": parameters.model_dump(exclude_none=True),
        },
        executor_id=executor_id,
    )
    answer.run_id = run.id
    await messages_crud.add(session, [answer])
    conversation.current_message_id = answer.id
    conversation.active_run_id = run.id
    conversation.last_active_at = now()
    await session.flush()
    return Turn(run, conversation.id, answer.id)


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
