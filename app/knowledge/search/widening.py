"""A list made longer by the graph: passages about what the best ones are about."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from app.core.db import AsyncSession
from app.knowledge.graph.sight import Sight
from app.knowledge.graph.walks.expanding import expand
from app.knowledge.search.fusion import K
from app.knowledge.search.ground import Ground
from app.knowledge.search.question import Scores

# From how many of the best the graph is followed, and to how many passages.
SEEDS: Final = 10
MOST: Final = 50
# What a place among those that the graph leads to counts, beside one found by words or meaning.
WEIGHT: Final = 0.5

Fused = tuple[UUID, float, Scores]


async def widened(
    session: AsyncSession, workspace_id: UUID, ground: Ground, fused: Sequence[Fused]
) -> list[Fused]:
    """Best first, with what the graph leads to in its place; within the ground's reaches."""
    sight = Sight(workspace_id, tuple(ground.reaches.values()))
    seeds = [passage_id for passage_id, _, _ in fused[:SEEDS]]
    ranked = {passage_id: (score, scores) for passage_id, score, scores in fused}
    for rank, found in enumerate(await expand(session, sight, seeds, limit=MOST), start=1):
        score, scores = ranked.get(found.passage_id, (0.0, Scores()))
        more = WEIGHT / (K + rank)
        ranked[found.passage_id] = (score + more, replace(scores, graph_rank=rank))
    best = sorted(ranked.items(), key=lambda item: (-item[1][0], item[0]))
    return [(passage_id, score, scores) for passage_id, (score, scores) in best]
