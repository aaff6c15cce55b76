"""Entities that may be one, by their names, with what speaks for it."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.core.paging import Cursors, Keyset, Slice, fetch_page
from app.knowledge.graph.keys import fold_of, initials_of
from app.knowledge.graph.merges.schemas import SuggestionQuery
from app.knowledge.graph.models import GraphEntity
from app.knowledge.graph.sight import Sight
from app.knowledge.graph.told import Shown, shown
from app.knowledge.graph.walks.edges import ALL, touching

Reason = Literal["same_name", "abbreviation", "near_name"]
# How many of the next by the alphabet are compared with each.
BESIDE: Final = 8
SHORTEST: Final = 4
MOST_SHARED: Final = 10
MOST_EDGES: Final = 5000
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Suggestion:
    into: Shown
    from_: Shown
    reason: Reason
    score: float
    shared_neighbours: list[Shown]


async def suggest(
    session: AsyncSession, sight: Sight, query: SuggestionQuery, cursors: Cursors
) -> Slice[Suggestion]:
    """Of a page of entities, those that may be one with another."""
    looked_at = await fetch_page(
        session,
        select(GraphEntity).where(sight.sees_entity(), GraphEntity.deleted_at.is_(None)),
        Keyset(GraphEntity.created_at, GraphEntity.id),
        query,
        cursors=cursors,
        workspace_id=sight.workspace_id,
        within="suggestions",
    )
    pairs = await _candidates(session, sight, [each.id for each in looked_at.data])
    ids = {each for pair in pairs for each in pair}
    seen = await session.scalars(
        select(GraphEntity).where(
            GraphEntity.id.in_(ids), sight.sees_entity(), GraphEntity.deleted_at.is_(None)
        )
    )
    known = {each.entity.id: each for each in await shown(session, sight, seen.all())}
    found = []
    for one, other in pairs:
        if one in known and other in known:
            found += _judged(known[one], known[other], query.least)
    found = await _with_neighbours(session, sight, found)
    found.sort(key=lambda each: (-each.score, -len(each.shared_neighbours), each.into.id))
    return Slice(found, looked_at.has_more, looked_at.next_cursor, looked_at.total)


async def _candidates(
    session: AsyncSession, sight: Sight, entity_ids: Sequence[UUID]
) -> list[tuple[UUID, UUID]]:
    """Pairs of roots that stand side by side by the alphabet, or are one the other's initials."""
    one, other = aliased(GraphEntity), aliased(GraphEntity)
    beside = (
        select(other.id)
        .where(
            other.workspace_id == sight.workspace_id,
            other.root_id == other.id,
            tuple_(other.fold, other.id) > tuple_(one.fold, one.id),
        )
        .order_by(other.fold, other.id)
        .limit(BESIDE)
        .correlate(one)
        .lateral()
    )
    near = select(one.id, beside.c.id).join(beside, true()).where(one.id.in_(entity_ids))
    short = (
        select(one.id, other.id)
        .join(other, other.fold == one.initials)
        .where(
            one.id.in_(entity_ids),
            one.initials != "",
            other.workspace_id == sight.workspace_id,
            other.root_id == other.id,
        )
        .limit(1000)
    )
    pairs = [*(await session.execute(near)).all(), *(await session.execute(short)).all()]
    return list(dict.fromkeys((row[0], row[1]) for row in pairs))


def _judged(one: Shown, other: Shown, least: float) -> list[Suggestion]:
    """Whether two may be one by the names that they are shown with."""
    folds = fold_of(one.name), fold_of(other.name)
    if folds[0] == folds[1]:
        return [_suggestion(one, other, "same_name", 1.0)]
    if folds[1] == initials_of(one.name) or folds[0] == initials_of(other.name):
        return [_suggestion(one, other, "abbreviation", 0.9)]
    # What differs in its numbers is another version, year or part.
    numbers = [_DIGITS.findall(fold) for fold in folds]
    if min(map(len, folds)) < SHORTEST or numbers[0] != numbers[1]:
        return []
    score = round(SequenceMatcher(None, *folds).ratio(), 4)
    return [_suggestion(one, other, "near_name", score)] if score >= least else []


def _suggestion(one: Shown, other: Shown, reason: Reason, score: float) -> Suggestion:
    into, part = sorted((one, other), key=lambda each: (-each.contributions, each.entity.id))
    return Suggestion(into, part, reason, score, [])


async def _with_neighbours(
    session: AsyncSession, sight: Sight, found: Sequence[Suggestion]
) -> list[Suggestion]:
    ids = {each.entity.id for one in found for each in (one.into, one.from_)}
    near: dict[UUID, set[UUID]] = defaultdict(set)
    for edge in await touching(session, sight, ids, ALL, MOST_EDGES):
        near[edge.source_id].add(edge.target_id)
        near[edge.target_id].add(edge.source_id)
    shared = [sorted(near[s.into.entity.id] & near[s.from_.entity.id])[:MOST_SHARED] for s in found]
    wanted = {each for ids_of in shared for each in ids_of}
    rows = await session.scalars(select(GraphEntity).where(GraphEntity.id.in_(wanted)))
    known = {each.entity.id: each for each in await shown(session, sight, rows.all())}
    return [
        Suggestion(s.into, s.from_, s.reason, s.score, [known[each] for each in of])
        for s, of in zip(found, shared, strict=True)
    ]
