"""What a person does with conversations."""

from collections.abc import Sequence
from typing import Any, Literal, overload
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
from app.core.schema import Input
from app.core.versions import match
from app.identity.sharing import service as sharing
from app.identity.sharing.errors import NotYours, SharedToRead
from app.knowledge.collections import service as collections
from app.knowledge.detection.policies.service import expect_dictionaries
from app.knowledge.passages import service as passages


async def create(session: AsyncSession, access: Access, new: ConversationCreate) -> Conversation:
    """Raises CollectionNotFound and DictionaryNotFound."""
    await expect_named(session, access, new.collections, new.dictionaries)
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
            collections=stored_ids(new.collections),
            dictionaries=stored_ids(new.dictionaries),
            memory=stored(new.memory),
            compaction=stored(new.compaction),
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
    await expect_named(session, access, change.collections, change.dictionaries)
    if change.collections is not None:
        conversation.collections = stored_ids(change.collections)
    if "dictionaries" in given:
        conversation.dictionaries = stored_ids(change.dictionaries)
    for name in given & {"memory", "compaction"}:
        setattr(conversation, name, stored(getattr(change, name)))
    if "metadata" in given:
        conversation.labels = change.metadata or {}
    await session.flush()
    await session.refresh(conversation)
    return conversation


async def expect_named(
    session: AsyncSession,
    access: Access,
    named_collections: Sequence[UUID] | None,
    named_dictionaries: Sequence[UUID] | None,
) -> None:
    """Raise CollectionNotFound or DictionaryNotFound for one that the caller cannot see."""
    for collection_id in dict.fromkeys(named_collections or ()):
        await collections.get(session, access, collection_id)
    if named_dictionaries:
        await expect_dictionaries(session, access.workspace_id, named_dictionaries)


def stored(setting: Input | None) -> dict[str, Any] | None:
    """A setting as a conversation keeps it, with all its defaults."""
    return None if setting is None else setting.model_dump(mode="json")


@overload
def stored_ids(ids: Sequence[UUID]) -> list[str]: ...
@overload
def stored_ids(ids: Sequence[UUID] | None) -> list[str] | None: ...
def stored_ids(ids: Sequence[UUID] | None) -> list[str] | None:
    """Ids as a conversation keeps them, each once."""
    return None if ids is None else [str(each) for each in dict.fromkeys(ids)]


def ids_of(stored: Sequence[str] | None) -> list[UUID] | None:
    """Ids out of what `stored_ids` made."""
    return None if stored is None else [UUID(each) for each in stored]


async def delete(session: AsyncSession, access: Access, conversation_id: UUID) -> None:
    """Soft: `restore` brings it back for 30 days."""
    conversation = await get(session, access, conversation_id, to="own", for_update=True)
    await match(session, conversation)
    conversation.deleted_at = now()
    await passages.remove_of_parent(session, access.workspace_id, "message", conversation.id)
    await session.flush()


async def restore(session: AsyncSession, access: Access, conversation_id: UUID) -> Conversation:
    """Bring a deleted conversation back; a living one stays as it is."""
    conversation = await _any(session, access, conversation_id, for_update=True)
    if conversation.user_id != access.user_id:
        raise ConversationNotFound if conversation.deleted_at else NotYours
    restorable.expect_restorable(conversation)
    if conversation.deleted_at:
        await crud.have_found_again(session, conversation)
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
