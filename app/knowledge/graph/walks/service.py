"""What is near, how things are connected, and what belongs together, as a caller sees it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log1p
from typing import Any
from uuid import UUID

from app.core.auth import Access
from app.core.db import AsyncSession, Database
from app.knowledge.graph.entities.service import living
from app.knowledge.graph.errors import RelationInvalid
from app.knowledge.graph.sight import Sight, Sources, Viewer, sight_of
from app.knowledge.graph.told import Shown
from app.knowledge.graph.walks import crud
from app.knowledge.graph.walks.edges import Edge, Kind, among, most_told
from app.knowledge.graph.walks.near import MOST_EDGES, neighbourhood
from app.knowledge.graph.walks.paths import shortest
from app.knowledge.graph.walks.picture import Drawing, Wish
from app.knowledge.graph.walks.schemas import (
    CommunityQuery,
    NeighbourhoodQuery,
    PathCreate,
    WalkQuery,
)

MOST_SHOWN = 50
LARGEST = 9.0


@dataclass(frozen=True, slots=True)
class _Read:
    """The part of the graph that is told of most often."""

    nodes: list[UUID]
    edges: list[Edge]
    truncated: bool


async def near(
    session: AsyncSession, viewer: Viewer, entity_id: UUID, query: NeighbourhoodQuery
) -> dict[str, Any]:
    """Raises EntityNotFound."""
    start = await living(session, viewer, entity_id)
    found = await neighbourhood(
        session, viewer.sight, [start.id], query.depth, query.max_entities, kind_of(query)
    )
    known = await crud.shown_by_id(session, viewer.sight, list(found.distances))
    nodes = [
        {**brief(known[each]), "contributions": known[each].contributions, "depth": depth}
        for each, depth in found.distances.items()
        if each in known
    ]
    edges = [e for e in found.edges if e.source_id in known and e.target_id in known]
    return {"nodes": nodes, "edges": edges, "truncated": found.truncated}


async def paths(session: AsyncSession, viewer: Viewer, wish: PathCreate) -> dict[str, Any]:
    """Raises EntityNotFound, and RelationInvalid for one entity at both ends."""
    source = await living(session, viewer, wish.source_id)
    target = await living(session, viewer, wish.target_id)
    if source.id == target.id:
        raise RelationInvalid("Name two entities.")
    found = await shortest(
        session,
        viewer.sight,
        (source.id, target.id),
        kind=kind_of(wish),
        hops=wish.max_hops,
        count=wish.limit,
    )
    ends = {end for way in found for each in way for end in (each.source_id, each.target_id)}
    known = await crud.shown_by_id(session, viewer.sight, list(ends))
    return {
        "paths": [
            {
                "nodes": [brief(known[each]) for each in _nodes(source.id, way)],
                "edges": way,
                "cost": round(sum(1 / each.weight for each in way), 4),
            }
            for way in found
            if known.keys() >= set(_nodes(source.id, way))
        ]
    }


async def communities(
    database: Database, access: Access, sources: Sources, drawing: Drawing, query: CommunityQuery
) -> dict[str, Any]:
    """What belongs together, of what is told of most often; no transaction waits for it."""
    sight, read = await _read(database, access, sources, query)
    drawn = await drawing.draw(read.nodes, read.edges, Wish(query.resolution, placed=False))
    groups: dict[int, list[UUID]] = defaultdict(list)
    for node in read.nodes:
        groups[drawn.communities[node]].append(node)
    wanted = [node for group in groups.values() for node in group[:MOST_SHOWN]]
    async with database.unit(access.scope) as session:
        known = await crud.shown_by_id(session, sight, wanted)
    return {
        "communities": [
            {
                "number": number,
                "size": len(group),
                "entities": [brief(known[each]) for each in group[:MOST_SHOWN] if each in known],
            }
            for number, group in sorted(groups.items())
        ],
        "modularity": drawn.modularity,
        "nodes": len(read.nodes),
        "edges": len(read.edges),
        "truncated": read.truncated,
    }


async def layout(
    database: Database, access: Access, sources: Sources, drawing: Drawing, query: CommunityQuery
) -> dict[str, Any]:
    """The graph as it is drawn, of what is told of most often; no transaction waits for it."""
    sight, read = await _read(database, access, sources, query)
    drawn = await drawing.draw(read.nodes, read.edges, Wish(query.resolution, placed=True))
    async with database.unit(access.scope) as session:
        known = await crud.shown_by_id(session, sight, read.nodes)
    most = max((each.contributions for each in known.values()), default=0)
    nodes = [
        {
            **brief(known[node]),
            "x": drawn.places[node][0],
            "y": drawn.places[node][1],
            "size": _size(known[node].contributions, most),
            "contributions": known[node].contributions,
            "community": drawn.communities[node],
        }
        for node in read.nodes
        if node in known
    ]
    return {
        "nodes": nodes,
        "edges": [e for e in read.edges if e.source_id in known and e.target_id in known],
        "modularity": drawn.modularity,
        "truncated": read.truncated,
    }


async def _read(
    database: Database, access: Access, sources: Sources, query: CommunityQuery
) -> tuple[Sight, _Read]:
    async with database.unit(access.scope) as session:
        sight = await sight_of(session, access, sources)
        nodes = await most_told(session, sight, query.max_entities + 1)
        kept = nodes[: query.max_entities]
        edges = await among(session, sight, kept, kind_of(query), MOST_EDGES)
    return sight, _Read(kept, edges, len(nodes) > len(kept) or len(edges) == MOST_EDGES)


def kind_of(query: WalkQuery | PathCreate) -> Kind:
    return Kind(tuple(query.types), query.min_weight)


def brief(shown: Shown) -> dict[str, Any]:
    return {"id": shown.entity.id, "name": shown.name, "type": shown.type}


def _nodes(start: UUID, way: Sequence[Edge]) -> Iterable[UUID]:
    yield start
    for edge in way:
        start = edge.other(start)
        yield start


def _size(contributions: int, most: int) -> float:
    return round(1 + LARGEST * log1p(contributions) / log1p(most), 2) if most else 1.0
