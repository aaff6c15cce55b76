"""Reading a conversation's messages and choosing among its branches."""

from uuid import UUID

from app.chat.conversations import service as conversations
from app.chat.conversations.models import Conversation
from app.chat.messages import crud
from app.chat.messages.errors import MessageNotFound
from app.chat.messages.models import Message
from app.chat.messages.schemas import MessageQuery
from app.core.auth import Access
from app.core.db import AsyncSession
from app.core.paging import Cursors, Slice


async def page(
    session: AsyncSession,
    access: Access,
    conversation_id: UUID,
    query: MessageQuery,
    cursors: Cursors,
) -> Slice[Message]:
    conversation = await conversations.get(session, access, conversation_id)
    leaf = conversation.current_message_id if query.branch == "current" else None
    if query.branch == "current" and leaf is None:
        total = 0 if query.include == "total" else None
        return Slice([], has_more=False, next_cursor=None, total=total)
    return await crud.page(session, access.workspace_id, conversation_id, leaf, query, cursors)


async def get(
    session: AsyncSession, access: Access, conversation_id: UUID, message_id: UUID
) -> Message:
    await conversations.get(session, access, conversation_id)
    return await find(session, access.workspace_id, conversation_id, message_id)


async def find(
    session: AsyncSession, workspace_id: UUID, conversation_id: UUID, message_id: UUID
) -> Message:
    """Raises MessageNotFound."""
    message = await crud.get(session, workspace_id, conversation_id, message_id)
    if message is None:
        raise MessageNotFound
    return message


async def answer_of_run(session: AsyncSession, workspace_id: UUID, run_id: UUID) -> Message:
    """The message that a run wrote; raises MessageNotFound."""
    message = await crud.of_run(session, workspace_id, run_id)
    if message is None:
        raise MessageNotFound
    return message


async def choose(
    session: AsyncSession, access: Access, conversation_id: UUID, message_id: UUID
) -> Conversation:
    """Show the branch that goes through this message, down to its newest end."""
    conversation = await conversations.get(
        session, access, conversation_id, to="write", for_update=True
    )
    await find(session, access.workspace_id, conversation_id, message_id)
    conversation.current_message_id = await crud.newest_leaf(
        session, access.workspace_id, conversation_id, message_id
    )
    await session.flush()
    await session.refresh(conversation)
    return conversation
