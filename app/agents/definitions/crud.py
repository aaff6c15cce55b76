"""Agents in Postgres: those of the workspace, one's own, and those shared with one."""

from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession

from app.agents.definitions.models import AGENT_KIND, Agent
from app.agents.definitions.schemas import AgentQuery
from app.core import restorable
from app.core.paging import Cursors, Slice
from app.identity.versioned import rows, seeing


def visible(workspace_id: UUID, user_id: UUID) -> ColumnElement[bool]:
    """Which agents of a workspace a member sees."""
    return seeing.visible(AGENT_KIND, workspace_id, user_id)


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
    session: AsyncSession, workspace_id: UUID, user_id: UUID, agent_id: UUID
) -> Agent | None:
    """One that a member sees, a deleted one included."""
    return await rows.get(session, AGENT_KIND, workspace_id, user_id, agent_id)
