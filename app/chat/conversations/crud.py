"""Conversations in Postgres: a person's own, and those shared with them, in one workspace."""

from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, column, or_, select, table, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.chat.conversations.models import Conversation
from app.chat.conversations.schemas import ConversationQuery
from app.core import restorable
from app.core.paging import Cursors, Keyset, Slice, fetch_page
from app.identity.sharing.reach import shared_with
from app.knowledge.passages.mentioning import lexemes_of, mentions

SHARED_AS: Final = "conversation"
MOST_SHARED: Final = 1000
# Not by their model, because messages stand above conversations and may not be imported here.
_MESSAGES = table("messages", column("conversation_id"), column("text"), column("search"))
_UNINDEX = text("update messages set indexed_at = null where conversation_id = :id")


def _mentions(q: str) -> ColumnElement[bool]:
    """The title does, or a message."""
    title, said = Conversation.title, _MESSAGES.c
    there = select(said.conversation_id).where(
        said.conversation_id == Conversation.id, mentions(q, said.text, said.search)
    )
    # The offset keeps Postgres from reading the messages of everybody once, for those of one.
    return or_(
        mentions(q, title.expression, lexemes_of(title.expression)), there.offset(0).exists()
    )


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
        statement = statement.where(_mentions(query.q))
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
