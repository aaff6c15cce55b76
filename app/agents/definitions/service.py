"""What a person does with agents, and how runs find them."""

from dataclasses import dataclass
from uuid import UUID

from app.agents.definitions import changes, checking, crud, finding, versions
from app.agents.definitions.definition import AgentDefinition
from app.agents.definitions.models import AGENT_KIND, Agent, AgentVersion
from app.agents.definitions.schemas import (
    AgentBulkItem,
    AgentCreate,
    AgentDetail,
    AgentQuery,
    AgentRead,
    AgentUpdate,
)
from app.agents.definitions.taken import Definitions, Taken
from app.core.auth import Access
from app.core.bulk import BulkResult, each
from app.core.db import AsyncSession, Database
from app.core.ids import new_id
from app.core.paging import Cursors, Slice
from app.core.versions import match
from app.identity.sharing.service import Shareable
from app.identity.versioned import keeping, rows, taking
from app.identity.versioned import versions as numbered
from app.identity.versioned.keeping import To
from app.identity.versioned.naming import slug_of
from app.identity.versioned.schemas import VersionChoice


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
    await keeping.expect_room(session, AGENT_KIND, access)
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
    agent.slug = new.slug or slug_of(new.name, "agent", agent.id.hex)
    version = versions.made(access, agent, new.definition, new.note)
    await rows.save(session, AGENT_KIND, agent)
    await rows.keep(session, version)
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
    return await keeping.get(session, AGENT_KIND, access, agent_id, to=to, for_update=for_update)


async def show(
    session: AsyncSession, access: Access, agent_id: UUID, choice: VersionChoice
) -> AgentDetail:
    """Raises AgentNotFound, AgentVersionNotFound and AgentLabelNotFound."""
    return shown(await see(session, access, agent_id, choice))


async def see(session: AsyncSession, access: Access, agent_id: UUID, choice: VersionChoice) -> Seen:
    agent = await get(session, access, agent_id)
    number = numbered.number_of(AGENT_KIND, agent, choice.version, choice.label)
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
    return await keeping.resolve(session, AGENT_KIND, access, ref, version, label)


async def take(
    database: Database,
    read: Definitions,
    access: Access,
    ref: str,
    version: int | None = None,
    label: str | None = None,
) -> Taken:
    """The same in a transaction of its own, as a run takes it; raises what `resolve` raises.

    What is among the `read` is not read again.
    """
    if version is None and label is None:
        found = await keeping.taken_quickly(database, AGENT_KIND, access, ref)
        if found is not None:
            taken = Taken(
                found["id"], found["slug"], found["name"], found["description"], found["number"],
                found["definition"], read.of(found["version_id"], found["definition"]),
                found["version"],
            )  # fmt: skip
            read.keep(access, ref, taken)
            return taken
    async with database.unit(access.scope) as session:
        agent, kept = await resolve(session, access, ref, version, label)
    return Taken(
        agent.id, agent.slug, agent.name, agent.description, kept.number,
        kept.definition, read.of(kept.id, kept.definition), agent.version,
    )  # fmt: skip


async def expect_as_taken(session: AsyncSession, access: Access, taken: Taken) -> None:
    """Let the session's unit fail by what `is_another` knows where a run would take another."""
    await taking.expect_as_it_was(
        session, AGENT_KIND, access.workspace_id, access.user_id, taken.id, taken.row_version
    )


def is_another(error: Exception) -> bool:
    """Whether a unit has failed because an agent is not as it was taken."""
    return taking.is_another(error, AGENT_KIND)


async def find(session: AsyncSession, access: Access, ref: str) -> Agent:
    """A living agent by its slug or its id; raises AgentNotFound."""
    return await keeping.find(session, AGENT_KIND, access, ref)


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
    await rows.save(session, AGENT_KIND, agent)
    if version is None:
        version = await versions.get(session, agent, agent.current_version)
    else:
        await rows.keep(session, version)
    await session.refresh(agent)
    seen = Seen(agent, version)
    await finding.index(session, access, agent, seen.definition)
    return shown(seen)


async def delete(session: AsyncSession, access: Access, agent_id: UUID) -> None:
    """Soft: nobody finds or runs it any more, and `restore` brings it back for 30 days."""
    agent = await keeping.delete(session, AGENT_KIND, access, agent_id)
    await finding.index(session, access, agent, AgentDefinition())


async def restore(session: AsyncSession, access: Access, agent_id: UUID) -> Agent:
    """Bring a deleted one back; a living one stays as it is.

    Raises RestoreExpired, TooManyAgents and AgentSlugTaken.
    """
    agent, was_deleted = await keeping.restore(session, AGENT_KIND, access, agent_id)
    if was_deleted:
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
    return await keeping.shareable(session, AGENT_KIND, access, agent_id)


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
