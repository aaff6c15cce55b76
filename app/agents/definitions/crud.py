"""Agents in Postgres: those of the workspace, one's own, and those shared with one."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.agents.definitions.errors import AgentSlugTaken
from app.agents.definitions.models import Agent
from app.agents.definitions.schemas import AgentQuery
from app.core import restorable
from app.core.paging import Cursors, Slice
from app.identity.sharing.reach import shared_with
from app.oversight.privacy.people import Person

SHARED_AS: Final = "agent"


def visible(workspace_id: UUID, user_id: UUID) -> ColumnElement[bool]:
    """Which agents of a workspace a member sees."""
    return or_(
        Agent.visibility == "workspace",
        Agent.owner_id == user_id,
        Agent.id.in_(shared_with(workspace_id, user_id, SHARED_AS)),
    )


async def page(
    session: AsyncSession,
    workspace_id: UUID,
    user_id: UUID,
    query: AgentQuery,
    cursors: Cursors,
) -> Slice[Agent]:
    """Newest first."""
    wanted = [visible(workspace_id, user_id)]
    if query.visibility is not None:
        wanted.append(Agent.visibility == query.visibility)
    if query.q is not None:
        wanted.append(Agent.name.icontains(query.q, autoescape=True))
    if query.model is not None:
        wanted.append(Agent.model == query.model)
    if query.tool is not None:
        wanted.append(Agent.tools.contains([query.tool]))
    return await restorable.page(session, Agent, workspace_id, query, cursors, *wanted)


async def get(
    session: AsyncSession,
    workspace_id: UUID,
    user_id: UUID,
    agent_id: UUID,
    *,
    for_update: bool = False,
) -> Agent | None:
    """One that a member sees, a deleted one included."""
    statement = select(Agent).where(
        Agent.workspace_id == workspace_id, Agent.id == agent_id, visible(workspace_id, user_id)
    )
    if for_update:
        statement = statement.with_for_update()
    return (await session.scalars(statement)).one_or_none()


async def by_slugs(
    session: AsyncSession, workspace_id: UUID, user_id: UUID, slugs: Sequence[str]
) -> Sequence[Agent]:
    """The living ones of these slugs that a member sees."""
    statement = restorable.living(Agent, workspace_id).where(
        Agent.slug.in_(slugs), visible(workspace_id, user_id)
    )
    return (await session.scalars(statement)).all()


async def by_ids(
    session: AsyncSession, workspace_id: UUID, user_id: UUID, ids: Sequence[UUID]
) -> Sequence[Agent]:
    """The living ones of these ids that a member sees."""
    statement = restorable.living(Agent, workspace_id).where(
        Agent.id.in_(ids), visible(workspace_id, user_id)
    )
    return (await session.scalars(statement)).all()


async def taken_slugs(session: AsyncSession, workspace_id: UUID, slugs: Sequence[str]) -> set[str]:
    """Those of the slugs that a living agent has, whoever sees it."""
    statement = (
        restorable.living(Agent, workspace_id)
        .with_only_columns(Agent.slug)
        .where(Agent.slug.in_(slugs))
    )
    return set((await session.scalars(statement)).all())


async def visible_ids(session: AsyncSession, workspace_id: UUID, user_id: UUID) -> Sequence[UUID]:
    """The living agents that a member sees."""
    statement = (
        restorable.living(Agent, workspace_id)
        .with_only_columns(Agent.id)
        .where(visible(workspace_id, user_id))
        .order_by(Agent.id)
    )
    return (await session.scalars(statement)).all()


async def save(session: AsyncSession, agent: Agent) -> None:
    """Store a new or changed one; raises AgentSlugTaken."""
    slug = agent.slug
    try:
        async with session.begin_nested():
            session.add(agent)
            await session.flush()
    except IntegrityError as error:
        raise AgentSlugTaken(f"`{slug}` is in use here.") from error


async def delete_private(session: AsyncSession, person: Person, most: int) -> int:
    """Delete some agents that nobody but a person sees; says how many. Under SYSTEM."""
    some = select(Agent.id).where(*_private(person)).limit(most)
    gone = await session.scalars(delete(Agent).where(Agent.id.in_(some)).returning(Agent.id))
    return len(gone.all())


async def count_private(session: AsyncSession, person: Person) -> int:
    """How many of those are still there. Under SYSTEM."""
    counted = select(func.count()).select_from(Agent).where(*_private(person))
    return await session.scalar(counted) or 0


def _private(person: Person) -> tuple[ColumnElement[bool], ...]:
    return (Agent.owner_id == person.user_id, Agent.visibility == "private")
