"""Agents as documents that an import takes, here or elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson

from app.agents.definitions.a2a_card import a2a_card
from app.agents.definitions.definition import AgentDefinition
from app.agents.definitions.documents import AGENT, AGENTS, write_yaml
from app.agents.definitions.exchange_schemas import ExportQuery
from app.agents.definitions.fast_agent_cards import cards_of
from app.agents.definitions.models import AGENT_KIND, Agent
from app.agents.definitions.references import references, renamed
from app.agents.definitions.service import Seen, see
from app.core.auth import Access
from app.core.db import AsyncSession
from app.identity.versioned import rows
from app.identity.versioned.naming import reference_ids

MOST_MEMBERS: Final = 31
MEDIA_TYPES: Final = {
    "json": "application/json",
    "yaml": "application/yaml",
    "a2a": "application/json",
    "fast_agent": "text/markdown; charset=utf-8",
}
_SUFFIXES: Final = {"json": "json", "yaml": "yaml", "a2a": "json", "fast_agent": "md"}


@dataclass(frozen=True, slots=True)
class File:
    name: str
    media_type: str
    content: bytes


async def export(
    session: AsyncSession, access: Access, agent_id: UUID, query: ExportQuery, base_url: str
) -> File:
    """One document; cards of several agents are the body of an import, as JSON.

    Raises what `see` raises, and ExportUnfit.
    """
    seen = await see(session, access, agent_id, query)
    if query.format == "a2a":
        url = f"{base_url.rstrip('/')}/a2a/agents/{seen.agent.slug}"
        card = a2a_card(seen.agent, seen.version.number, seen.definition, url)
        return _file(seen.agent, "a2a", orjson.dumps(card, option=orjson.OPT_INDENT_2))
    all_seen = [seen]
    if query.members:
        all_seen += await _members(session, access, seen)
    told = [_by_slugs(each, all_seen) for each in all_seen]
    if query.format == "fast_agent":
        return _cards(all_seen, told)
    written = [
        _told(each.agent, definition) for each, definition in zip(all_seen, told, strict=True)
    ]
    document = {"format": AGENTS, "agents": written} if query.members else written[0]
    content = (
        write_yaml(document).encode()
        if query.format == "yaml"
        else orjson.dumps(document, option=orjson.OPT_INDENT_2)
    )
    return _file(seen.agent, query.format, content)


def _file(agent: Agent, form: str, content: bytes) -> File:
    return File(f"{agent.slug}.{_SUFFIXES[form]}", MEDIA_TYPES[form], content)


def _told(agent: Agent, definition: AgentDefinition) -> dict[str, Any]:
    return {
        "format": AGENT,
        "name": agent.name,
        "slug": agent.slug,
        "description": agent.description,
        "metadata": agent.notes,
        "definition": definition.model_dump(mode="json", exclude_defaults=True),
    }


def _cards(all_seen: Sequence[Seen], told: Sequence[AgentDefinition]) -> File:
    cards: dict[str, str] = {}
    for each, definition in zip(all_seen, told, strict=True):
        cards |= cards_of(each.agent.slug, each.agent.description, definition)
    agent = all_seen[0].agent
    if len(cards) == 1:
        return _file(agent, "fast_agent", next(iter(cards.values())).encode())
    listed = [{"name": name, "content": content} for name, content in cards.items()]
    body = orjson.dumps({"format": "fast_agent", "documents": listed}, option=orjson.OPT_INDENT_2)
    return File(f"{agent.slug}.json", MEDIA_TYPES["json"], body)


def _by_slugs(seen: Seen, all_seen: Sequence[Seen]) -> AgentDefinition:
    """A definition that names the others by their slugs, since ids mean nothing elsewhere."""
    slugs = {str(each.agent.id): each.agent.slug for each in all_seen}
    return AgentDefinition.model_validate(renamed(seen.version.definition, slugs))


async def _members(session: AsyncSession, access: Access, seen: Seen) -> list[Seen]:
    """The agents that it names, and those that they name, in their drafts."""
    found: dict[UUID, Seen] = {seen.agent.id: seen}
    level = [seen]
    while level and len(found) <= MOST_MEMBERS:
        names = sorted({name for each in level for _, name in references(each.definition)})
        workspace_id, user_id = access.workspace_id, access.user_id
        ids = list(reference_ids(names).values())
        agents = {
            agent.id: agent
            for agent in (
                *await rows.by_slugs(session, AGENT_KIND, workspace_id, user_id, names),
                *await rows.by_ids(session, AGENT_KIND, workspace_id, user_id, ids),
            )
            if agent.id not in found
        }
        numbers = {agent.id: agent.current_version for agent in agents.values()}
        newest = await rows.newest_of(session, AGENT_KIND, workspace_id, numbers)
        drafts = {version.agent_id: version for version in newest}
        level = [Seen(agents[each], drafts[each]) for each in sorted(agents)]
        found |= {each.agent.id: each for each in level}
    return list(found.values())[1 : MOST_MEMBERS + 1]
