"""New agents out of old ones."""

from uuid import UUID

from app.agents.definitions import service
from app.agents.definitions.schemas import (
    AgentCreate,
    AgentDetail,
    AgentDuplicate,
)
from app.core.auth import Access
from app.core.db import AsyncSession
from app.identity.versioned.schemas import VersionChoice


async def duplicate(
    session: AsyncSession, access: Access, agent_id: UUID, change: AgentDuplicate
) -> AgentDetail:
    """A new agent of the caller's with one version of this one's definition.

    Raises AgentNotFound, AgentVersionNotFound, TooManyAgents and AgentSlugTaken.
    """
    seen = await service.see(session, access, agent_id, VersionChoice(version=change.version))
    of = seen.agent
    new = AgentCreate(
        name=change.name or f"{of.name[:190]} copy",
        slug=change.slug,
        description=of.description,
        visibility=change.visibility or ("private" if of.visibility == "private" else "workspace"),
        definition=seen.definition,
        note=f"Copied from version {seen.version.number} of `{of.slug}`.",
        metadata=of.notes,
    )
    return service.shown(await service.add(session, access, new))
