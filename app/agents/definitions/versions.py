"""Versions of definitions: made of every change, never changed, named by labels."""

import hashlib
from collections.abc import Iterator
from typing import Final

import orjson

from app.agents.definitions import version_crud
from app.agents.definitions.changes import Change, differences
from app.agents.definitions.definition import AgentDefinition
from app.agents.definitions.errors import (
    AgentLabelNotFound,
    AgentVersionNotFound,
    LabelReserved,
    TooManyLabels,
    TooManyVersions,
)
from app.agents.definitions.models import Agent, AgentVersion
from app.agents.definitions.schemas import DRAFT
from app.core.auth import Access
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.core.paging import Cursors, PageQuery, Slice
from app.core.versions import match

MOST_VERSIONS: Final = 10_000
MOST_LABELS: Final = 50


def definition_of(version: AgentVersion) -> AgentDefinition:
    return AgentDefinition.model_validate(version.definition)


def digest_of(definition: AgentDefinition) -> str:
    """SHA-256 of the definition as sorted JSON, in hex."""
    written = orjson.dumps(definition.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(written).hexdigest()


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


async def keep(session: AsyncSession, version: AgentVersion) -> None:
    await version_crud.add(session, version)


async def next_of(
    session: AsyncSession, access: Access, agent: Agent, definition: AgentDefinition, note: str
) -> AgentVersion | None:
    """A new version, or None where the newest one says the same; raises TooManyVersions."""
    newest = await get(session, agent, agent.current_version)
    if newest.digest == digest_of(definition):
        return None
    if agent.current_version >= MOST_VERSIONS:
        raise TooManyVersions(f"An agent has at most {MOST_VERSIONS}; duplicate it.")
    return made(access, agent, definition, note)


async def get(session: AsyncSession, agent: Agent, number: int) -> AgentVersion:
    """Raises AgentVersionNotFound."""
    found = await version_crud.get(session, agent.workspace_id, agent.id, number)
    if found is None:
        raise AgentVersionNotFound(f"`{agent.slug}` has the versions 1 to {agent.current_version}.")
    return found


def number_of(agent: Agent, version: int | None, label: str | None) -> int:
    """The number that a choice means; the newest without one. Raises AgentLabelNotFound."""
    if version is not None:
        return version
    if label is None or label == DRAFT:
        return agent.current_version
    if label not in agent.labels:
        raise AgentLabelNotFound(f"`{agent.slug}` has no version `{label}`.")
    return int(agent.labels[label])


async def page(
    session: AsyncSession, agent: Agent, query: PageQuery, cursors: Cursors
) -> Slice[AgentVersion]:
    return await version_crud.page(session, agent.workspace_id, agent.id, query, cursors)


async def compare(
    session: AsyncSession, agent: Agent, old: int | None, new: int | None
) -> tuple[int, int, Iterator[Change]]:
    """Both numbers, and what differs; raises AgentVersionNotFound."""
    to = agent.current_version if new is None else new
    since = max(1, to - 1) if old is None else old
    before, after = await get(session, agent, since), await get(session, agent, to)
    return since, to, differences(before.definition, after.definition)


async def label(session: AsyncSession, agent: Agent, name: str, number: int) -> Agent:
    """Have a label name a version.

    Raises LabelReserved, AgentVersionNotFound and TooManyLabels.
    """
    await match(session, agent)
    if name == DRAFT:
        raise LabelReserved
    await get(session, agent, number)
    if name not in agent.labels and len(agent.labels) >= MOST_LABELS:
        raise TooManyLabels(f"An agent has at most {MOST_LABELS}.")
    agent.labels = {**agent.labels, name: number}
    await session.flush()
    await session.refresh(agent)
    return agent


async def unlabel(session: AsyncSession, agent: Agent, name: str) -> None:
    """Raises LabelReserved and AgentLabelNotFound."""
    await match(session, agent)
    if name == DRAFT:
        raise LabelReserved
    if name not in agent.labels:
        raise AgentLabelNotFound
    agent.labels = {key: number for key, number in agent.labels.items() if key != name}
    await session.flush()
