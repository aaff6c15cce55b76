"""/v1/conversations."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from app.chat.conversations import service
from app.chat.conversations.errors import ConversationNotFound
from app.chat.conversations.models import Conversation
from app.chat.conversations.schemas import (
    ConversationBulk,
    ConversationCreate,
    ConversationQuery,
    ConversationRead,
    ConversationUpdate,
)
from app.core.auth import Access, Permission
from app.core.bulk import BulkResult
from app.core.errors import RestoreExpired
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page
from app.knowledge.collections.errors import CollectionNotFound
from app.knowledge.dictionary.errors import DictionaryNotFound

Reader = Annotated[Access, require(Permission.CONVERSATIONS_READ)]
Writer = Annotated[Access, require(Permission.CONVERSATIONS_WRITE)]

router = guarded_router(prefix="/v1/conversations", tag="conversations")


@router.get(
    "",
    operation_id="conversations_list",
    summary="List conversations, most recently active first",
    response_model=Page[ConversationRead],
    responses=problems(CursorInvalid),
)
async def list_conversations(
    access: Reader,
    session: Session,
    kernel: KernelDep,
    query: Annotated[ConversationQuery, Query()],
) -> object:
    return await service.page(session, access, query, kernel.cursors)


@router.post(
    "",
    operation_id="conversations_create",
    summary="Start a conversation",
    status_code=201,
    response_model=ConversationRead,
    responses=problems(CollectionNotFound, DictionaryNotFound),
)
async def create_conversation(
    access: Writer, session: Session, new: ConversationCreate, response: Response
) -> Conversation:
    made = await service.create(session, access, new)
    response.headers["Location"] = f"/v1/conversations/{made.id}"
    return made


@router.post(
    "/bulk",
    operation_id="conversations_bulk",
    summary="Delete or restore up to 500 conversations",
    response_model=BulkResult,
    responses=problems(),
)
async def bulk_conversations(
    access: Writer, session: Session, request: ConversationBulk
) -> BulkResult:
    return await service.bulk(session, access, request.items)


@router.get(
    "/{conversation_id}",
    operation_id="conversations_get",
    summary="Show a conversation",
    response_model=ConversationRead,
    responses=problems(ConversationNotFound),
)
async def get_conversation(access: Reader, session: Session, conversation_id: UUID) -> Conversation:
    return await service.get(session, access, conversation_id)


@router.patch(
    "/{conversation_id}",
    operation_id="conversations_update",
    summary="Change a conversation's title, model, instructions or metadata",
    response_model=ConversationRead,
    responses=problems(ConversationNotFound, CollectionNotFound, DictionaryNotFound),
)
async def update_conversation(
    access: Writer, session: Session, conversation_id: UUID, change: ConversationUpdate
) -> Conversation:
    return await service.update(session, access, conversation_id, change)


@router.delete(
    "/{conversation_id}",
    operation_id="conversations_delete",
    summary="Delete a conversation; it can be restored for 30 days",
    status_code=204,
    responses=problems(ConversationNotFound),
)
async def delete_conversation(access: Writer, session: Session, conversation_id: UUID) -> None:
    await service.delete(session, access, conversation_id)


@router.post(
    "/{conversation_id}/restore",
    operation_id="conversations_restore",
    summary="Bring a deleted conversation back",
    response_model=ConversationRead,
    responses=problems(ConversationNotFound, RestoreExpired),
)
async def restore_conversation(
    access: Writer, session: Session, conversation_id: UUID
) -> Conversation:
    return await service.restore(session, access, conversation_id)
