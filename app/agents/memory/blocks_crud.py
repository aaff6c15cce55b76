"""Memory blocks in Postgres."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.agents.definitions import crud as definitions
from app.agents.definitions.models import Agent
from app.agents.memory.blocks_schemas import BlockQuery
from app.agents.memory.errors import BlockLabelTaken
from app.agents.memory.facts import Author
from app.agents.memory.models import MemoryBlock
from app.core import restorable
from app.core.paging import Cursors, Slice


def visible(author: Author) -> ColumnElement[bool]:
    """The workspace's, and those of agents that someone sees."""
    agents = select(Agent.id).where(
        Agent.workspace_id == author.workspace_id,
        Agent.deleted_at.is_(None),
        definitions.visible(author.workspace_id, author.user_id),
    )
    if not author.agents:
        return MemoryBlock.agent_id.is_(None)
    return or_(MemoryBlock.agent_id.is_(None), MemoryBlock.agent_id.in_(agents))


async def page(
    session: AsyncSession, author: Author, query: BlockQuery, cursors: Cursors
) -> Slice[MemoryBlock]:
    """Newest first."""
    wanted = [visible(author)]
    if query.agent_id is not None:
        wanted.append(MemoryBlock.agent_id == query.agent_id)
    if query.label is not None:
        wanted.append(MemoryBlock.label == query.label)
    return await restorable.page(session, MemoryBlock, author.workspace_id, query, cursors, *wanted)


async def find(
    session: AsyncSession, author: Author, block_id: UUID, *, for_update: bool = False
) -> MemoryBlock | None:
    """One that its reader sees, a deleted one included."""
    statement = select(MemoryBlock).where(
        MemoryBlock.workspace_id == author.workspace_id,
        MemoryBlock.id == block_id,
        visible(author),
    )
    if for_update:
        statement = statement.with_for_update()
    return (await session.scalars(statement)).one_or_none()


async def labelled(
    session: AsyncSession,
    author: Author,
    labels: Sequence[str],
    agent_id: UUID | None,
    *,
    for_update: bool = False,
) -> dict[str, MemoryBlock]:
    """The living ones by their labels: an agent's own before the workspace's."""
    statement = restorable.living(MemoryBlock, author.workspace_id).where(
        MemoryBlock.label.in_(labels),
        or_(MemoryBlock.agent_id.is_(None), MemoryBlock.agent_id == agent_id),
        visible(author),
    )
    statement = statement.order_by(MemoryBlock.agent_id.is_not(None), MemoryBlock.id)
    if for_update:
        statement = statement.with_for_update()
    return {block.label: block for block in await session.scalars(statement)}


async def save(session: AsyncSession, block: MemoryBlock) -> None:
    """Store a new or changed one; raises BlockLabelTaken."""
    label = block.label
    try:
        async with session.begin_nested():
            session.add(block)
            await session.flush()
    except IntegrityError as error:
        raise BlockLabelTaken(f"Another block is called `{label}`.") from error
