"""Conversations in Postgres: a person's own, and those shared with them, in one workspace."""

from typing import Final
from uuid import UUID

from sqlalchemy import Select, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.chat.conversations.models import Conversation
from app.chat.conversations.schemas import ConversationQuery
from app.core import restorable
from app.core.paging import Cursors, Keyset, Slice, fetch_page
from app.identity.sharing.reach import shared_with

SHARED_AS: Final = "conversation"
MOST_SHARED: Final = 1000
# Text, because messages stand above conversations and may not be imported here.
_UNINDEX = text("update messages set indexed_at = null where conversation_id = :id")
_MENTIONS = text("""(
    to_tsvector('simple', conversations.title) @@ websearch_to_tsquery('simple', :q)
    or exists (
        select from messages m
        where m.conversation_id = conversations.id
        and m.search @@ websearch_to_tsquery('simple', :q)
    )
)""")


def _of(workspace_id: UUID) -> Select[Conversation]:
    return select(Conversation).where(Conversation.workspace_id == workspace_id)


async def page(
    session: AsyncSession,
    workspace_id: UUID,
    user_id: UUID,
    query: ConversationQuery,
    cursors: Cursors,
) -> Slice[Conversation]:
    """Most recently active first: one's own, or those of others that are shared with one."""
    if query.shared:
        shared = shared_with(workspace_id, user_id, SHARED_AS)
        statement = _of(workspace_id).where(
            Conversation.user_id != user_id, Conversation.id.in_(shared)
        )
    else:
        statement = _of(workspace_id).where(Conversation.user_id == user_id)
    statement = statement.where(restorable.listed(Conversation, query))
    if query.q:
        statement = statement.where(_MENTIONS.bindparams(q=query.q))
    keyset = Keyset(Conversation.last_active_at, Conversation.id)
    return await fetch_page(
        session, statement, keyset, query, cursors=cursors, workspace_id=workspace_id
    )


async def shared_ids(session: AsyncSession, workspace_id: UUID, user_id: UUID) -> list[UUID]:
    """The conversations of others that are shared with a member."""
    statement = shared_with(workspace_id, user_id, SHARED_AS).limit(MOST_SHARED)
    return list((await session.scalars(statement)).all())


async def have_found_again(session: AsyncSession, conversation: Conversation) -> None:
    """Have searches find the messages of a restored conversation again, in a while."""
    await session.execute(_UNINDEX, {"id": conversation.id})


async def add(session: AsyncSession, conversation: Conversation) -> Conversation:
    session.add(conversation)
    await session.flush()
    return conversation
