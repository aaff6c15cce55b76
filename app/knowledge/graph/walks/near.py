"""What is near: entities by their distance, and the edges between them.

Each step out is one bounded question of Postgres, which follows visible edges alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.knowledge.graph.sight import Sight
from app.knowledge.graph.walks.edges import Edge, Kind, among, touching

# Edges that are followed from one step to the next, for each entity that is wanted.
EDGES_A_NODE: Final = 10
MOST_EDGES: Final = 20_000


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """Distances by entity; `truncated` where more is near than was asked for."""

    distances: dict[UUID, int]
    edges: Sequence[Edge]
    truncated: bool


async def neighbourhood(
    session: AsyncSession, sight: Sight, starts: Sequence[UUID], depth: int, limit: int, kind: Kind
) -> Neighbourhood:
    """The nearest entities, of equally near ones those that are told of most often with these."""
    distances = dict.fromkeys(starts, 0)
    frontier, truncated = list(starts), False
    most = min(limit * EDGES_A_NODE, MOST_EDGES)
    for distance in range(1, depth + 1):
        reached = await touching(session, sight, frontier, kind, most)
        truncated = truncated or len(reached) == most
        frontier = []
        for edge in reached:
            for end in (edge.source_id, edge.target_id):
                if end in distances:
                    continue
                if len(distances) >= limit:
                    truncated = True
                    break
                distances[end] = distance
                frontier.append(end)
        if not frontier:
            break
    edges = await among(session, sight, list(distances), kind, most)
    return Neighbourhood(distances, edges, truncated or len(edges) == most)
