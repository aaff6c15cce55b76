"""Past turns in Postgres: what was asked, and what was answered."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.agents.evaluations.ports import Wanted
from app.chat.conversations.models import Conversation
from app.chat.messages.models import Message


async def turns(
    session: AsyncSession, workspace_id: UUID, user_id: UUID, wanted: Wanted
) -> Sequence[tuple[UUID, str, str]]:
    """(run, question, answer) of a person's own turns that were answered whole, newest first."""
    question = aliased(Message)
    statement = (
        select(Message.run_id, question.text, Message.text)
        .join(question, question.id == Message.parent_id)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(
            Message.workspace_id == workspace_id,
            Message.role == "assistant",
            Message.status == "complete",
            Message.run_id.is_not(None),
            question.role == "user",
            Conversation.user_id == user_id,
            Conversation.deleted_at.is_(None),
        )
        .order_by(Message.created_at.desc(), Message.id.desc())
    )
    if wanted.run_ids is not None:
        statement = statement.where(Message.run_id.in_(wanted.run_ids))
    else:
        statement = statement.limit(wanted.most)
    if wanted.subject_id is not None:
        statement = statement.where(Message.conversation_id == wanted.subject_id)
    if wanted.since is not None:
        statement = statement.where(Message.created_at >= wanted.since)
    if wanted.until is not None:
        statement = statement.where(Message.created_at < wanted.until)
    rows = await session.execute(statement)
    return [(run_id, asked, said) for run_id, asked, said in rows if run_id is not None]
