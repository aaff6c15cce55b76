"""What a definition may use in this workspace: node types that are ready, and what has names."""

import asyncio
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from app.agents.databases import service as databases
from app.agents.databases.schemas import DatabaseQuery
from app.agents.definitions import service as agents
from app.agents.definitions.schemas import AgentQuery
from app.agents.tools.registry import ToolRegistry
from app.automation.generation.schemas import GenerationContext
from app.automation.nodes.node_type import NodeType
from app.automation.nodes.registry import NodeTypes
from app.automation.workflows import service as workflows
from app.automation.workflows.checking import Bench
from app.automation.workflows.schemas import WorkflowQuery
from app.core.auth import Access, Permission
from app.core.db import AsyncSession, Database
from app.core.paging import Cursors
from app.knowledge.collections import service as collections
from app.knowledge.collections.schemas import CollectionQuery

# So many of a kind are looked at, and so many shown: those that sound like the wish first.
MOST_SEEN: Final = 200
MOST_SHOWN: Final = 40
_WORD: Final = re.compile(r"\w{4,}")


@dataclass(frozen=True, slots=True)
class Workbench:
    """What surroundings are read with."""

    database: Database
    types: NodeTypes
    tools: ToolRegistry
    cursors: Cursors

    @property
    def bench(self) -> Bench:
        return Bench(self.database, self.types)


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that definitions call by its name."""

    name: str
    says: str
    parameters: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What definitions may be made of.

    `missing` are the node types that cannot be used, with why. `things` are by kind, shortened to
    what a model is shown; `offered` are all names that may be used, None where the caller set no
    bounds, so that what they see is what counts.
    """

    types: tuple[NodeType[Any], ...]
    missing: Mapping[str, str]
    things: Mapping[str, tuple[Thing, ...]]
    offered: Mapping[str, frozenset[str] | None] = field(default_factory=dict)
    credentials: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()


async def surroundings(
    workbench: Workbench, access: Access, context: GenerationContext, wish: str
) -> Surroundings:
    """What the caller may have used; `wish` says what is shown first where there is much."""
    types = list(workbench.types)
    lacks = await asyncio.gather(*(each.missing(access) for each in types))
    missing = {each.name: lack for each, lack in zip(types, lacks, strict=True) if lack is not None}
    async with workbench.database.unit(access.scope) as session:
        found = await _named(session, workbench.cursors, access)
    found["tools"] = await _tools(workbench.tools, access)
    offered: dict[str, frozenset[str] | None] = {}
    for kind in ("agents", "collections", "tools", "workflows"):
        names = getattr(context, kind)
        offered[kind] = None if names is None else frozenset(names)
        if names is not None:
            found[kind] = [each for each in found[kind] if each.name in names]
    words = set(_WORD.findall(wish.casefold()))
    return Surroundings(
        tuple(each for each in types if each.name not in missing),
        missing,
        {kind: _nearest(each, words) for kind, each in found.items()},
        offered,
        frozenset(context.credentials),
        frozenset(each.casefold() for each in context.hosts),
    )


async def _named(session: AsyncSession, cursors: Cursors, access: Access) -> dict[str, list[Thing]]:
    found: dict[str, list[Thing]] = {
        "agents": [], "collections": [], "workflows": [], "databases": [],
    }  # fmt: skip
    if Permission.AGENTS_READ in access.permissions:
        query = AgentQuery(limit=MOST_SEEN)
        found["agents"] = _things((await agents.page(session, access, query, cursors)).data)
    if Permission.COLLECTIONS_READ in access.permissions:
        wanted = CollectionQuery(limit=MOST_SEEN)
        page = await collections.page(session, access, wanted, cursors)
        found["collections"] = _things(page.data)
    if Permission.WORKFLOWS_READ in access.permissions:
        seen = await workflows.page(session, access, WorkflowQuery(limit=MOST_SEEN), cursors)
        found["workflows"] = _things(seen.data)
    if Permission.TOOLS_READ in access.permissions:
        rows = await databases.page(session, access, DatabaseQuery(limit=MOST_SEEN), cursors)
        found["databases"] = _things(rows.data)
    return found


def _things(rows: Iterable[Any]) -> list[Thing]:
    return [Thing(row.slug, f"{row.name}. {row.description}"[:200]) for row in rows]


async def _tools(tools: ToolRegistry, access: Access) -> list[Thing]:
    if Permission.TOOLS_READ not in access.permissions:
        return []
    return [
        Thing(each.reference, each.description[:200], each.parameters)
        for each in await tools.listed(access)
        if each.ready and each.traits.scopes <= access.permissions
    ]


def _nearest(things: list[Thing], words: set[str]) -> tuple[Thing, ...]:
    """The first by the words that they share with the wish; else in their order."""

    def shared(thing: Thing) -> int:
        return -len(words & set(_WORD.findall(f"{thing.name} {thing.says}".casefold())))

    return tuple(sorted(things, key=shared)[:MOST_SHOWN])
