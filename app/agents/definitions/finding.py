"""Agents as what searches find: one passage or more for each, in step with its draft."""

from typing import Final

from app.agents.definitions.definition import AgentDefinition
from app.agents.definitions.models import Agent
from app.core.auth import Access
from app.core.db import AsyncSession
from app.knowledge.passages import service as passages
from app.knowledge.passages.draft import Draft, Subject

KIND: Final = "agent"
LONGEST: Final = 1000
MOST_PIECES: Final = 20


async def index(
    session: AsyncSession, access: Access, agent: Agent, definition: AgentDefinition
) -> None:
    """Have an agent found as it is now, a deleted one no more."""
    if agent.deleted_at is not None:
        await passages.remove(session, agent.workspace_id, KIND, agent.id)
        return
    payer_id = agent.owner_id or access.user_id
    subject = Subject(agent.workspace_id, KIND, agent.id, payer_id, parent_id=agent.id)
    language = definition.locale.partition("-")[0]
    text = "\n\n".join(filter(None, [agent.description, definition.instructions.strip()]))
    pieces = [text[start : start + LONGEST] for start in range(0, len(text), LONGEST)]
    drafts = [
        Draft(piece, title=agent.name, language=language)
        for piece in pieces[:MOST_PIECES] or [agent.name]
    ]
    await passages.put(session, subject, drafts)
