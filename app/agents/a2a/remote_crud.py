"""Agents of other services in Postgres."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.agents.a2a.errors import A2aAgentSlugTaken
from app.agents.a2a.models import A2aAgent
from app.agents.a2a.schemas import A2aAgentQuery
from app.core import restorable
from app.core.paging import Cursors, Slice


async def page(
    session: AsyncSession, workspace_id: UUID, query: A2aAgentQuery, cursors: Cursors
) -> Slice[A2aAgent]:
    """Newest first."""
    wanted = [] if query.q is None else [A2aAgent.name.icontains(query.q, autoescape=True)]
    return await restorable.page(session, A2aAgent, workspace_id, query, cursors, *wanted)


async def named(session: AsyncSession, workspace_id: UUID, slug: str) -> A2aAgent | None:
    statement = restorable.living(A2aAgent, workspace_id).where(A2aAgent.slug == slug)
    return (await session.scalars(statement)).one_or_none()


async def living(session: AsyncSession, workspace_id: UUID) -> Sequence[A2aAgent]:
    return await restorable.all_living(session, A2aAgent, workspace_id)


async def save(session: AsyncSession, agent: A2aAgent) -> None:
    """Store a new or changed one; raises A2aAgentSlugTaken."""
    slug = agent.slug
    try:
        async with session.begin_nested():
            session.add(agent)
            await session.flush()
    except IntegrityError as error:
        raise A2aAgentSlugTaken(f"`{slug}` is in use here.") from error
