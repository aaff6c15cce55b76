"""What a person does with conversations."""

from typing import Literal
from uuid import UUID

from app.chat.conversations import crud
from app.chat.conversations.errors import ConversationNotFound
from app.chat.conversations.models import Conversation
from app.chat.conversations.schemas import (
    ConversationBulkItem,
    ConversationCreate,
    ConversationQuery,
    ConversationUpdate,
)
from app.core import restorable
from app.core.auth import Access
from app.core.bulk import BulkResult, each
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.core.paging import Cursors, Slice
from app.core.versions import match
from app.identity.sharing import service as sharing
from app.identity.sharing.errors import NotYours, SharedToRead


async def create(session: AsyncSession, access: Access, new: ConversationCreate) -> Conversation:
    return await crud.add(
        session,
        Conversation(
            id=new_id(),
            workspace_id=access.workspace_id,
            user_id=access.user_id,
            title=new.title or "",
            title_source="user" if new.title else "none",
            model=new.model,
            instructions=new.instructions,
            labels=new.metadata,
            last_active_at=now(),
        ),
    )


async def get(
    session: AsyncSession,
    access: Access,
    conversation_id: UUID,
    *,
    to: Literal["read", "write", "own"] = "read",
    for_update: bool = False,
) -> Conversation:
    """A living conversation of the caller's own, or one that is shared with them.

    Raises ConversationNotFound, and for what others share SharedToRead and NotYours.
    """
    conversation = await _any(session, access, conversation_id, for_update=for_update)
    if conversation.deleted_at:
        raise ConversationNotFound
    if conversation.user_id != access.user_id and to != "read":
        if to == "own":
            raise NotYours("Ask whoever shares it with you.")
        if await sharing.level_of(session, access, conversation.id) != "write":
            raise SharedToRead("Ask whoever shares it with you to let you write.")
    return conversation


async def page(
    session: AsyncSession, access: Access, query: ConversationQuery, cursors: Cursors
) -> Slice[Conversation]:
    return await crud.page(session, access.workspace_id, access.user_id, query, cursors)


async def update(
    session: AsyncSession, access: Access, conversation_id: UUID, change: ConversationUpdate
) -> Conversation:
    conversation = await get(session, access, conversation_id, to="own", for_update=True)
    await match(session, conversation)
    given = change.model_fields_set
    if "title" in given:
        conversation.title = change.title or ""
        conversation.title_source = "user" if change.title else "none"
    if "model" in given:
        conversation.model = change.model
    if "instructions" in given:
        conversation.instructions = change.instructions or ""
    if "metadata" in given:
        conversation.labels = change.metadata or {}
    await session.flush()
    await session.refresh(conversation)
    return conversation


async def delete(session: AsyncSession, access: Access, conversation_id: UUID) -> None:
    """Soft: `restore` brings it back for 30 days."""
    conversation = await get(session, access, conversation_id, to="own", for_update=True)
    await match(session, conversation)
    conversation.deleted_at = now()
    await session.flush()


async def restore(session: AsyncSession, access: Access, conversation_id: UUID) -> Conversation:
    """Bring a deleted conversation back; a living one stays as it is."""
    conversation = await _any(session, access, conversation_id, for_update=True)
    if conversation.user_id != access.user_id:
        raise ConversationNotFound if conversation.deleted_at else NotYours
    restorable.expect_restorable(conversation)
    conversation.deleted_at = None
    await session.flush()
    await session.refresh(conversation)
    return conversation


async def bulk(
    session: AsyncSession, access: Access, items: list[ConversationBulkItem]
) -> BulkResult:
    """Each item on its own: one that fails leaves the others done."""

    async def act(item: ConversationBulkItem) -> UUID:
        done = delete if item.action == "delete" else restore
        await done(session, access, item.id)
        return item.id

    return await each(session, items, act)


async def _any(
    session: AsyncSession, access: Access, conversation_id: UUID, *, for_update: bool
) -> Conversation:
    """One's own, or one that is shared with one, deleted ones included."""
    conversation = await restorable.find(
        session, Conversation, access.workspace_id, conversation_id, for_update=for_update
    )
    if conversation is None:
        raise ConversationNotFound
    is_mine = conversation.user_id == access.user_id
    if not is_mine and not await sharing.level_of(session, access, conversation.id):
        raise ConversationNotFound
    return conversation
