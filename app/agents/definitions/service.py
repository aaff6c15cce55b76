"""What a person does with agents, and how runs find them."""

from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from app.agents.definitions import changes, checking, crud, finding, versions
from app.agents.definitions.definition import AgentDefinition
from app.agents.definitions.errors import (
    AgentNotFound,
    AgentNotYours,
    AgentReadOnly,
    TooManyAgents,
)
from app.agents.definitions.models import Agent, AgentVersion
from app.agents.definitions.naming import slug_of
from app.agents.definitions.references import reference_ids
from app.agents.definitions.schemas import (
    AgentBulkItem,
    AgentCreate,
    AgentDetail,
    AgentQuery,
    AgentRead,
    AgentUpdate,
    VersionChoice,
)
from app.core import restorable
from app.core.auth import Access
from app.core.bulk import BulkResult, each
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.core.paging import Cursors, Slice
from app.core.versions import match
from app.identity.sharing import service as sharing
from app.identity.sharing.service import Shareable

MOST_AGENTS: Final = 2000
PRODUCTION: Final = "production"
To = Literal["read", "write", "own"]


@dataclass(frozen=True, slots=True)
class Seen:
    """An agent with one of its versions."""

    agent: Agent
    version: AgentVersion

    @property
    def definition(self) -> AgentDefinition:
        return versions.definition_of(self.version)


async def create(session: AsyncSession, access: Access, new: AgentCreate) -> AgentDetail:
    """Raises TooManyAgents, AgentSlugTaken, and DefinitionInvalid for what is not there."""
    await checking.expect_known(session, access, new.definition)
    return shown(await add(session, access, new))


async def add(session: AsyncSession, access: Access, new: AgentCreate) -> Seen:
    """The same, whatever its definition names. Raises TooManyAgents and AgentSlugTaken."""
    await _expect_room(session, access)
    agent = Agent(
        id=new_id(),
        workspace_id=access.workspace_id,
        owner_id=access.user_id,
        name=new.name,
        description=new.description,
        visibility=new.visibility,
        current_version=0,
        notes=new.metadata,
    )
    agent.slug = new.slug or slug_of(new.name, agent.id)
    version = versions.made(access, agent, new.definition, new.note)
    await crud.save(session, agent)
    await versions.keep(session, version)
    await finding.index(session, access, agent, new.definition)
    return Seen(agent, version)


async def get(
    session: AsyncSession,
    access: Access,
    agent_id: UUID,
    *,
    to: To = "read",
    for_update: bool = False,
) -> Agent:
    """A living agent that the caller sees.

    Raises AgentNotFound, and where they may do less AgentReadOnly, AgentNotYours.
    """
    agent = await _any(session, access, agent_id, for_update=for_update)
    if agent.deleted_at is not None:
        raise AgentNotFound
    await _expect_right(session, access, agent, to)
    return agent


async def show(
    session: AsyncSession, access: Access, agent_id: UUID, choice: VersionChoice
) -> AgentDetail:
    """Raises AgentNotFound, AgentVersionNotFound and AgentLabelNotFound."""
    return shown(await see(session, access, agent_id, choice))


async def see(session: AsyncSession, access: Access, agent_id: UUID, choice: VersionChoice) -> Seen:
    agent = await get(session, access, agent_id)
    number = versions.number_of(agent, choice.version, choice.label)
    return Seen(agent, await versions.get(session, agent, number))


async def resolve(
    session: AsyncSession,
    access: Access,
    ref: str,
    version: int | None = None,
    label: str | None = None,
) -> tuple[Agent, AgentVersion]:
    """The agent of a slug or an id, in the version that a run is to take.

    Without version and label it is what `production` names, or the newest one where nothing is in
    production. Raises AgentNotFound, AgentVersionNotFound and AgentLabelNotFound.
    """
    agent = await find(session, access, ref)
    if version is None and label is None and PRODUCTION in agent.labels:
        label = PRODUCTION
    number = versions.number_of(agent, version, label)
    return agent, await versions.get(session, agent, number)


async def find(session: AsyncSession, access: Access, ref: str) -> Agent:
    """A living agent by its slug or its id; raises AgentNotFound."""
    workspace_id, user_id = access.workspace_id, access.user_id
    # A slug may look like an id, and so must not come before the agent that has the id.
    if ids := reference_ids([ref]):
        for agent in await crud.by_ids(session, workspace_id, user_id, list(ids.values())):
            return agent
    for agent in await crud.by_slugs(session, workspace_id, user_id, [ref]):
        return agent
    raise AgentNotFound("You see no agent with this slug or id.")


async def page(
    session: AsyncSession, access: Access, query: AgentQuery, cursors: Cursors
) -> Slice[Agent]:
    return await crud.page(session, access.workspace_id, access.user_id, query, cursors)


async def patched(
    session: AsyncSession, access: Access, agent_id: UUID, change: AgentUpdate
) -> AgentDefinition | None:
    """The definition that a change comes to, or None where it has none.

    Raises DefinitionInvalid for its form, and what `get` raises.
    """
    if change.definition is None:
        return None
    agent = await get(session, access, agent_id, to="write")
    newest = await versions.get(session, agent, agent.current_version)
    return checking.parsed(changes.patched_definition(newest.definition, change.definition))


async def update(
    session: AsyncSession, access: Access, agent_id: UUID, change: AgentUpdate
) -> AgentDetail:
    """Raises AgentSlugTaken, DefinitionInvalid, TooManyVersions, and what `get` raises."""
    given = change.model_fields_set
    to: To = "own" if "visibility" in given else "write"
    agent = await get(session, access, agent_id, to=to, for_update=True)
    await match(session, agent)
    for field in ("name", "slug", "visibility"):
        if field in given:
            setattr(agent, field, getattr(change, field))
    if "description" in given:
        agent.description = change.description or ""
    if "metadata" in given:
        agent.notes = change.metadata or {}
    if agent.visibility == "private" and agent.owner_id is None:
        agent.owner_id = access.user_id
    definition = await patched(session, access, agent_id, change)
    version = None
    if definition is not None:
        # What was checked before may have changed meanwhile.
        checking.expect_sound(definition)
        await checking.expect_known(session, access, definition, itself=agent)
        version = await versions.next_of(session, access, agent, definition, change.note)
    return await _saved(session, access, agent, version)


async def roll_back(
    session: AsyncSession, access: Access, agent_id: UUID, number: int, note: str
) -> AgentDetail:
    """Make an old version's definition the newest one; where it is already, nothing changes.

    Raises AgentVersionNotFound, TooManyVersions, and what `get` raises.
    """
    agent = await get(session, access, agent_id, to="write", for_update=True)
    await match(session, agent)
    old = await versions.get(session, agent, number)
    definition = versions.definition_of(old)
    said = note or f"Back to version {number}."
    version = await versions.next_of(session, access, agent, definition, said)
    return await _saved(session, access, agent, version)


async def _saved(
    session: AsyncSession, access: Access, agent: Agent, version: AgentVersion | None
) -> AgentDetail:
    await crud.save(session, agent)
    if version is None:
        version = await versions.get(session, agent, agent.current_version)
    else:
        await versions.keep(session, version)
    await session.refresh(agent)
    seen = Seen(agent, version)
    await finding.index(session, access, agent, seen.definition)
    return shown(seen)


async def delete(session: AsyncSession, access: Access, agent_id: UUID) -> None:
    """Soft: nobody finds or runs it any more, and `restore` brings it back for 30 days."""
    agent = await get(session, access, agent_id, to="own", for_update=True)
    await match(session, agent)
    agent.deleted_at = now()
    await session.flush()
    await finding.index(session, access, agent, AgentDefinition())


async def restore(session: AsyncSession, access: Access, agent_id: UUID) -> Agent:
    """Bring a deleted one back; a living one stays as it is.

    Raises RestoreExpired, TooManyAgents and AgentSlugTaken.
    """
    agent = await _any(session, access, agent_id, for_update=True)
    await _expect_right(session, access, agent, "own")
    restorable.expect_restorable(agent)
    if agent.deleted_at is not None:
        await _expect_room(session, access)
        agent.deleted_at = None
        await crud.save(session, agent)
        await session.refresh(agent)
        newest = await versions.get(session, agent, agent.current_version)
        await finding.index(session, access, agent, versions.definition_of(newest))
    return agent


async def bulk(session: AsyncSession, access: Access, items: list[AgentBulkItem]) -> BulkResult:
    """Each item on its own: one that fails leaves the others done."""

    async def act(item: AgentBulkItem) -> UUID:
        await (delete if item.action == "delete" else restore)(session, access, item.id)
        return item.id

    return await each(session, items, act)


async def shareable(session: AsyncSession, access: Access, agent_id: UUID) -> Shareable:
    """An agent that the caller may share; raises AgentNotFound and AgentNotYours."""
    found = await get(session, access, agent_id, to="own")
    return Shareable(crud.SHARED_AS, found.id)


def shown(seen: Seen) -> AgentDetail:
    agent = AgentRead.model_validate(seen.agent).model_dump(exclude={"metadata"})
    return AgentDetail.model_validate(
        {
            **agent,
            "notes": seen.agent.notes,
            "definition_version": seen.version.number,
            "definition": seen.definition,
        }
    )


async def _any(session: AsyncSession, access: Access, agent_id: UUID, *, for_update: bool) -> Agent:
    """One that the caller sees, a deleted one included."""
    agent = await crud.get(
        session, access.workspace_id, access.user_id, agent_id, for_update=for_update
    )
    if agent is None:
        raise AgentNotFound
    return agent


async def _expect_right(session: AsyncSession, access: Access, agent: Agent, to: To) -> None:
    is_open = agent.visibility == "workspace" or agent.owner_id == access.user_id
    if to == "read" or is_open:
        return
    if to == "own":
        raise AgentNotYours("Ask whoever shares it with you.")
    if await sharing.level_of(session, access, agent.id) != "write":
        raise AgentReadOnly("Ask whoever shares it with you to let you write.")


async def _expect_room(session: AsyncSession, access: Access) -> None:
    living = await restorable.count_living(session, Agent, access.workspace_id)
    if living >= MOST_AGENTS:
        raise TooManyAgents(f"A workspace has at most {MOST_AGENTS}; delete some.")
