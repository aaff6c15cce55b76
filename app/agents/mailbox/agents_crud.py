"""The agents that somebody sees, by what they are called."""

from uuid import UUID

from sqlalchemy import ColumnElement, literal, or_, select
from sqlalchemy.dialects.postgresql import TEXT
from sqlalchemy.ext.asyncio import AsyncSession

from app.agents.definitions import crud as agents
from app.agents.definitions.models import Agent
from app.agents.mailbox.models import Mailbox
from app.core import restorable
from app.core.auth import Access


class SeenAgents:
    """An AgentDirectory over the table of agents."""

    async def find(self, session: AsyncSession, access: Access, name: str) -> UUID | None:
        """The id of a living agent that the caller sees, by its slug or id."""
        called = Agent.slug == name
        if len(name) == 36:
            called = or_(called, Agent.id == _id_of(name))
        statement = (
            restorable.living(Agent, access.workspace_id)
            .with_only_columns(Agent.id)
            .where(called, agents.visible(access.workspace_id, access.user_id))
        )
        found: UUID | None = await session.scalar(statement.limit(1))
        return found


def of_seen_agent(workspace_id: UUID, user_id: UUID) -> ColumnElement[bool]:
    """Which mailboxes are those of agents that a member sees."""
    addresses = select(literal("agent:").concat(Agent.id.cast(TEXT))).where(
        Agent.workspace_id == workspace_id, agents.visible(workspace_id, user_id)
    )
    return Mailbox.address.in_(addresses)


def _id_of(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None
