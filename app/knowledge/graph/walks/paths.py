"""How two entities are connected: the shortest ways, over what is told of most often."""

import asyncio
from collections.abc import Sequence
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.knowledge.graph.sight import Sight
from app.knowledge.graph.walks.edges import Edge, Kind, touching

if TYPE_CHECKING:
    import networkx  # type: ignore[import-untyped]  # it has none

MOST_NODES: Final = 5_000
MOST_EDGES: Final = 20_000
AT_ONCE: Final = 4_000
# For each way that is wanted.
LOOKED_AT: Final = 3


async def shortest(
    session: AsyncSession,
    sight: Sight,
    ends: tuple[UUID, UUID],
    *,
    kind: Kind,
    hops: int,
    count: int,
) -> list[list[Edge]]:
    """Up to `count` ways of at most so many edges, the shortest first; none where none is.

    An edge is the shorter the more often it is told of.
    """
    edges = await _between(session, sight, ends, kind, hops)
    return await asyncio.to_thread(ways, edges, ends, hops, count)


async def _between(
    session: AsyncSession, sight: Sight, ends: tuple[UUID, UUID], kind: Kind, hops: int
) -> list[Edge]:
    """What lies around both ends, stepping out from either in turn until the steps meet."""
    edges: dict[UUID, Edge] = {}
    seen = [{ends[0]}, {ends[1]}]
    fronts = [{ends[0]}, {ends[1]}]
    for step in range(hops):
        side = step % 2
        if not fronts[side] or len(edges) >= MOST_EDGES or sum(map(len, seen)) >= MOST_NODES:
            continue
        reached = await touching(session, sight, fronts[side], kind, AT_ONCE)
        edges |= {each.id: each for each in reached}
        beyond = {end for each in reached for end in (each.source_id, each.target_id)}
        fronts[side] = beyond - seen[side]
        seen[side] |= beyond
    return list(edges.values())


def ways(edges: Sequence[Edge], ends: tuple[UUID, UUID], hops: int, count: int) -> list[list[Edge]]:
    """For a thread."""
    import networkx  # noqa: PLC0415 - 20 MB, for those who ask for ways

    graph = graph_of(edges)
    if ends[0] not in graph or ends[1] not in graph:
        return []
    try:
        # The cheapest may have too many edges; so those of the fewest are looked at, too.
        found = [
            nodes
            for weight in ("cost", None)
            for nodes in islice(
                networkx.shortest_simple_paths(graph, *ends, weight=weight), count * LOOKED_AT
            )
        ]
    except networkx.NetworkXNoPath:
        return []
    short = dict.fromkeys(tuple(nodes) for nodes in found if len(nodes) <= hops + 1)
    best = sorted(short, key=lambda nodes: networkx.path_weight(graph, nodes, "cost"))[:count]
    return [[graph.edges[pair]["edge"] for pair in pairwise(nodes)] for nodes in best]


def graph_of(edges: Sequence[Edge]) -> "networkx.Graph[Any]":
    """One tie for each pair of entities: the heaviest of theirs, with the weight of all."""
    import networkx  # noqa: PLC0415 - 20 MB, for those who ask for ways

    graph: networkx.Graph[Any] = networkx.Graph()
    for edge in sorted(edges, key=lambda each: (-each.weight, each.id)):
        pair = (edge.source_id, edge.target_id)
        if graph.has_edge(*pair):
            graph.edges[pair]["weight"] += edge.weight
        else:
            graph.add_edge(*pair, weight=edge.weight, edge=edge)
    for _, _, data in graph.edges(data=True):
        data["cost"] = 1.0 / data["weight"]
    return graph
