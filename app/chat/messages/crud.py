"""Messages in Postgres: a tree by `parent_id`."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.chat.conversations.crud import SHARED_AS
from app.chat.conversations.models import Conversation
from app.chat.messages.models import Message
from app.core.paging import Cursors, Keyset, PageQuery, Slice, fetch_page
from app.identity.sharing.reach import shared_with


def _of(workspace_id: UUID, conversation_id: UUID) -> Select[Message]:
    return select(Message).where(
        Message.workspace_id == workspace_id, Message.conversation_id == conversation_id
    )


async def get(
    session: AsyncSession, workspace_id: UUID, conversation_id: UUID, message_id: UUID
) -> Message | None:
    statement = _of(workspace_id, conversation_id).where(Message.id == message_id)
    return (await session.scalars(statement)).one_or_none()


async def of_run(session: AsyncSession, workspace_id: UUID, run_id: UUID) -> Message | None:
    statement = select(Message).where(
        Message.workspace_id == workspace_id, Message.run_id == run_id
    )
    return (await session.scalars(statement)).one_or_none()


async def waiting_to_be_found(session: AsyncSession, most: int) -> Sequence[Message]:
    """Messages of living conversations that searches do not find yet; under SYSTEM.

    They are this transaction's until its end.
    """
    statement = (
        select(Message)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(
            Message.indexed_at.is_(None),
            Message.status != "streaming",
            Conversation.deleted_at.is_(None),
        )
        .order_by(Message.updated_at)
        .limit(most)
        .with_for_update(skip_locked=True, of=Message)
    )
    return (await session.scalars(statement)).all()


async def visible_to(
    session: AsyncSession, workspace_id: UUID, user_id: UUID, message_ids: Sequence[UUID]
) -> set[UUID]:
    """Those of living conversations that are a member's own, or shared with them."""
    statement = (
        select(Message.id)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(
            Message.workspace_id == workspace_id,
            Message.id.in_(message_ids),
            Conversation.deleted_at.is_(None),
            or_(
                Conversation.user_id == user_id,
                Conversation.id.in_(shared_with(workspace_id, user_id, SHARED_AS)),
            ),
        )
    )
    return set((await session.scalars(statement)).all())


async def owners(session: AsyncSession, conversation_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """Whose conversations these are; under SYSTEM."""
    statement = select(Conversation.id, Conversation.user_id).where(
        Conversation.id.in_(conversation_ids)
    )
    return {row.id: row.user_id for row in await session.execute(statement)}


async def add(session: AsyncSession, messages: Sequence[Message]) -> None:
    session.add_all(messages)
    await session.flush()


async def summarise(
    session: AsyncSession, workspace_id: UUID, message_id: UUID, summary: dict[str, str]
) -> None:
    """Keep what stands for the branch up to a message."""
    await session.execute(
        update(Message)
        .where(Message.workspace_id == workspace_id, Message.id == message_id)
        .values(summary=summary)
        .execution_options(synchronize_session=False)
    )


def _branch_ids(workspace_id: UUID, conversation_id: UUID, leaf_id: UUID) -> Select[UUID]:
    start = (
        select(Message.id, Message.parent_id)
        .where(
            Message.workspace_id == workspace_id,
            Message.conversation_id == conversation_id,
            Message.id == leaf_id,
        )
        .cte("branch", recursive=True)
    )
    branch = start.union_all(
        select(Message.id, Message.parent_id).join(start, Message.id == start.c.parent_id)
    )
    return select(branch.c.id)


async def branch(
    session: AsyncSession, workspace_id: UUID, conversation_id: UUID, leaf_id: UUID
) -> Sequence[Message]:
    """The messages from the root to a leaf."""
    ids = _branch_ids(workspace_id, conversation_id, leaf_id)
    statement = _of(workspace_id, conversation_id).where(Message.id.in_(ids))
    return (await session.scalars(statement.order_by(Message.id))).all()


async def page(
    session: AsyncSession,
    workspace_id: UUID,
    conversation_id: UUID,
    leaf_id: UUID | None,
    query: PageQuery,
    cursors: Cursors,
) -> Slice[Message]:
    """One page, oldest first: of the branch that ends in `leaf_id`, or of the whole tree."""
    statement = _of(workspace_id, conversation_id)
    if leaf_id is not None:
        ids = _branch_ids(workspace_id, conversation_id, leaf_id)
        statement = statement.where(Message.id.in_(ids))
    keyset = Keyset(Message.created_at, Message.id, descending=False)
    return await fetch_page(
        session, statement, keyset, query, cursors=cursors, workspace_id=workspace_id,
        within=str(conversation_id),
    )  # fmt: skip


async def newest_leaf(
    session: AsyncSession, workspace_id: UUID, conversation_id: UUID, message_id: UUID
) -> UUID:
    """The newest message below this one, or itself: where its branch goes on."""
    start = (
        select(Message.id)
        .where(
            Message.workspace_id == workspace_id,
            Message.conversation_id == conversation_id,
            Message.id == message_id,
        )
        .cte("below", recursive=True)
    )
    below = start.union_all(select(Message.id).join(start, Message.parent_id == start.c.id))
    leaf = (await session.scalars(select(below.c.id).order_by(below.c.id.desc()).limit(1))).first()
    return leaf or message_id
