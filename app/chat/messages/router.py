"""/v1/conversations/{conversation_id}/messages."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.chat.conversations.errors import ConversationNotFound
from app.chat.conversations.models import Conversation
from app.chat.conversations.schemas import ConversationRead
from app.chat.messages import service
from app.chat.messages.errors import MessageNotFound
from app.chat.messages.models import Message
from app.chat.messages.schemas import MessageQuery, MessageRead
from app.core.auth import Access, Permission
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page

Reader = Annotated[Access, require(Permission.CONVERSATIONS_READ)]
Writer = Annotated[Access, require(Permission.CONVERSATIONS_WRITE)]

router = guarded_router(prefix="/v1/conversations/{conversation_id}/messages", tag="messages")


@router.get(
    "",
    operation_id="messages_list",
    summary="List a conversation's messages, oldest first",
    response_model=Page[MessageRead],
    responses=problems(ConversationNotFound, CursorInvalid),
)
async def list_messages(
    access: Reader,
    session: Session,
    kernel: KernelDep,
    conversation_id: UUID,
    query: Annotated[MessageQuery, Query()],
) -> object:
    return await service.page(session, access, conversation_id, query, kernel.cursors)


@router.get(
    "/{message_id}",
    operation_id="messages_get",
    summary="Show a message",
    response_model=MessageRead,
    responses=problems(ConversationNotFound, MessageNotFound),
)
async def get_message(
    access: Reader, session: Session, conversation_id: UUID, message_id: UUID
) -> Message:
    return await service.get(session, access, conversation_id, message_id)


@router.post(
    "/{message_id}/choose",
    operation_id="messages_choose",
    summary="Show the branch that goes through this message",
    response_model=ConversationRead,
    responses=problems(ConversationNotFound, MessageNotFound),
)
async def choose_message(
    access: Writer, session: Session, conversation_id: UUID, message_id: UUID
) -> Conversation:
    return await service.choose(session, access, conversation_id, message_id)
