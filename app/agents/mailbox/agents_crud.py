"""The agents that somebody sees, by what they are called."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, literal
from sqlalchemy.dialects.postgresql import TEXT
from sqlalchemy.ext.asyncio import AsyncSession

from app.agents.definitions import crud as agents
from app.agents.definitions.models import Agent
from app.agents.mailbox.addresses import id_of
from app.agents.mailbox.models import Mailbox, MailboxSubscription
from app.core import restorable
from app.core.auth import Access


class SeenAgents:
    """An AgentDirectory over the table of agents."""

    async def find(self, session: AsyncSession, access: Access, name: str) -> UUID | None:
        """The id of a living agent that the caller sees, by its slug or id.

        What reads as an id is none's slug: nobody gets another agent's mail by being called so.
        """
        agent_id = id_of(name)
        called = Agent.slug == name if agent_id is None else Agent.id == agent_id
        statement = (
            restorable.living(Agent, access.workspace_id)
            .with_only_columns(Agent.id)
            .where(called, agents.visible(access.workspace_id, access.user_id))
        )
        found: UUID | None = await session.scalar(statement)
        return found


def of_seen_agent(workspace_id: UUID, user_id: UUID) -> ColumnElement[bool]:
    """Which mailboxes are those of living agents that a member sees."""
    address = literal("agent:").concat(Agent.id.cast(TEXT))
    return Mailbox.address.in_(_seen(workspace_id, user_id).with_only_columns(address))


def by_seen_agent(workspace_id: UUID, user_id: UUID) -> ColumnElement[bool]:
    """Which subscriptions are those of living agents that a member sees."""
    return MailboxSubscription.agent_id.in_(_seen(workspace_id, user_id))


def _seen(workspace_id: UUID, user_id: UUID) -> Select[Any]:
    seen = agents.visible(workspace_id, user_id)
    return restorable.living(Agent, workspace_id).with_only_columns(Agent.id).where(seen)
