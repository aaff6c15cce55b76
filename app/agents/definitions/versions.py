"""Versions of definitions: made of every change, never changed, named by labels."""

from collections.abc import Iterator

from app.agents.definitions.changes import Change, differences
from app.agents.definitions.definition import AgentDefinition
from app.agents.definitions.models import AGENT_KIND, Agent, AgentVersion
from app.core.auth import Access
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.identity.versioned import versions


def definition_of(version: AgentVersion) -> AgentDefinition:
    return AgentDefinition.model_validate(version.definition)


def digest_of(definition: AgentDefinition) -> str:
    """SHA-256 of the definition as sorted JSON, in hex."""
    return versions.digest_of(definition.model_dump(mode="json"))


def made(access: Access, agent: Agent, definition: AgentDefinition, note: str = "") -> AgentVersion:
    """The agent's next version, which is then its draft; not stored yet."""
    agent.current_version += 1
    agent.model = definition.model
    agent.tools = [use.tool for use in definition.tools]
    agent.pattern = definition.pattern.type if definition.pattern else None
    return AgentVersion(
        id=new_id(),
        workspace_id=agent.workspace_id,
        agent_id=agent.id,
        number=agent.current_version,
        created_by_id=access.user_id,
        note=note,
        digest=digest_of(definition),
        definition=definition.model_dump(mode="json"),
    )


async def next_of(
    session: AsyncSession, access: Access, agent: Agent, definition: AgentDefinition, note: str
) -> AgentVersion | None:
    """A new version, or None where the newest one says the same; raises TooManyVersions."""
    newest = await get(session, agent, agent.current_version)
    if newest.digest == digest_of(definition):
        return None
    versions.expect_room(AGENT_KIND, agent)
    return made(access, agent, definition, note)


async def get(session: AsyncSession, agent: Agent, number: int) -> AgentVersion:
    """Raises AgentVersionNotFound."""
    return await versions.get(session, AGENT_KIND, agent, number)


async def compare(
    session: AsyncSession, agent: Agent, old: int | None, new: int | None
) -> tuple[int, int, Iterator[Change]]:
    """Both numbers, and what differs; raises AgentVersionNotFound."""
    before, after = await versions.two(session, AGENT_KIND, agent, old, new)
    return before.number, after.number, differences(before.definition, after.definition)
