"""Retrieval that follows the graph: from passages to what they tell of, and on to other passages.

`expand` is for searches: it takes the passages that were found, and gives those that tell of the
same entities, or of entities beside them. Everything is within what the caller may see.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.knowledge.graph.models import GraphContribution, GraphEntity
from app.knowledge.graph.sight import Member, Sight
from app.knowledge.graph.told import count_passages
from app.knowledge.graph.walks.edges import ALL, touching

MOST_SEEDS: Final = 50
MOST_ENTITIES: Final = 60
MOST_EDGES: Final = 600
MOST_PASSAGES: Final = 2_000
# What a step away is worth.
DECAY: Final = 0.5
# An entity that is told of more often than this is no clue.
COMMON: Final = 500


@dataclass(frozen=True, slots=True)
class Expanded:
    """A passage that the graph leads to, with its score from 0 to 1 and the entities on the way."""

    passage_id: UUID
    score: float
    entity_ids: tuple[UUID, ...]


async def expand(
    session: AsyncSession,
    sight: Sight,
    passage_ids: Sequence[UUID],
    *,
    entity_ids: Sequence[UUID] = (),
    hops: int = 1,
    limit: int = 20,
) -> list[Expanded]:
    """The passages beside these, best first; none of these themselves.

    Rare entities count more than common ones, and near ones more than far ones.
    """
    seeds = list(dict.fromkeys(passage_ids))[:MOST_SEEDS]
    weights = await _told_in(session, sight, seeds)
    weights |= dict.fromkeys(await _roots(session, sight, entity_ids), 1.0)
    weights = await _rare(session, sight, weights)
    front = weights
    for _ in range(hops):
        front = await _beside(session, sight, front, weights)
        weights |= front
    scored = await _passages(session, sight, weights, set(seeds))
    best = max((each.score for each in scored), default=1.0) or 1.0
    return [
        Expanded(each.passage_id, round(each.score / best, 4), each.entity_ids)
        for each in scored[:limit]
    ]


async def _told_in(
    session: AsyncSession, sight: Sight, passage_ids: Sequence[UUID]
) -> dict[UUID, float]:
    """The entities of passages; of the first passages they weigh more."""
    if not passage_ids:
        return {}
    ranks = {each: rank for rank, each in enumerate(passage_ids)}
    statement = (
        sight.mentions()
        .join(GraphEntity, GraphEntity.id == Member.root_id)
        .where(GraphContribution.passage_id.in_(passage_ids), GraphEntity.deleted_at.is_(None))
        .with_only_columns(Member.root_id, GraphContribution.passage_id)
        .distinct()
    )
    found: dict[UUID, float] = defaultdict(float)
    for row in (await session.execute(statement)).all():
        found[row.root_id] += 1 / (1 + ranks[row.passage_id])
    return dict(found)


async def _roots(session: AsyncSession, sight: Sight, entity_ids: Sequence[UUID]) -> Sequence[UUID]:
    if not entity_ids:
        return ()
    own = select(Member.root_id).where(Member.id.in_(entity_ids))
    statement = select(GraphEntity.id).where(
        GraphEntity.id.in_(own), GraphEntity.deleted_at.is_(None), sight.sees_entity()
    )
    return (await session.scalars(statement)).all()


async def _rare(
    session: AsyncSession, sight: Sight, weights: dict[UUID, float]
) -> dict[UUID, float]:
    """Weighed by how few passages tell of each; the heaviest ones."""
    counts = await count_passages(session, sight, list(weights)) if weights else {}
    weighed = {
        each: weight / log(2 + counts.get(each, 1))
        for each, weight in weights.items()
        if counts.get(each, 0) <= COMMON
    }
    best = sorted(weighed, key=lambda each: (-weighed[each], each))[:MOST_ENTITIES]
    return {each: weighed[each] for each in best}


async def _beside(
    session: AsyncSession, sight: Sight, front: dict[UUID, float], known: dict[UUID, float]
) -> dict[UUID, float]:
    """The entities one edge further, by the edges that lead there."""
    reached: dict[UUID, float] = defaultdict(float)
    edges = await touching(session, sight, list(front), ALL, MOST_EDGES)
    heaviest = max((edge.weight for edge in edges), default=1)
    for edge in edges:
        for here in (edge.source_id, edge.target_id):
            there = edge.other(here)
            if here in front and there not in known:
                reached[there] += DECAY * front[here] * log(1 + edge.weight) / log(1 + heaviest)
    return await _rare(session, sight, dict(reached))


async def _passages(
    session: AsyncSession, sight: Sight, weights: dict[UUID, float], seeds: set[UUID]
) -> list[Expanded]:
    if not weights:
        return []
    statement = (
        sight.mentions()
        .where(Member.root_id.in_(list(weights)), GraphContribution.passage_id.not_in(seeds))
        .with_only_columns(
            GraphContribution.passage_id, func.array_agg(Member.root_id.distinct()).label("of")
        )
        .group_by(GraphContribution.passage_id)
        .order_by(func.count(Member.root_id.distinct()).desc(), GraphContribution.passage_id)
        .limit(MOST_PASSAGES)
    )
    found = []
    for row in (await session.execute(statement)).all():
        ways = sorted(row.of, key=lambda each: (-weights[each], each))
        found.append(Expanded(row.passage_id, sum(weights[each] for each in ways), tuple(ways)))
    return sorted(found, key=lambda each: (-each.score, each.passage_id))
