"""The graph's edges as one caller sees them, heaviest first."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.knowledge.graph.models import GraphEntity, GraphRelation
from app.knowledge.graph.sight import Link, Member, Sight


@dataclass(frozen=True, slots=True)
class Edge:
    """A relation that is seen; `weight` is how often it is told of, 1 for one made by hand."""

    id: UUID
    source_id: UUID
    target_id: UUID
    type: str
    weight: int

    def other(self, entity_id: UUID) -> UUID:
        return self.target_id if self.source_id == entity_id else self.source_id


@dataclass(frozen=True, slots=True)
class Kind:
    """Which edges are walked; of all types where none is named."""

    types: tuple[str, ...] = ()
    min_weight: int = 1


ALL = Kind()


async def touching(
    session: AsyncSession, sight: Sight, entity_ids: Collection[UUID], kind: Kind, limit: int
) -> list[Edge]:
    """Edges from or to one of these entities."""
    ids = list(entity_ids)
    if not ids:
        return []
    either = or_(GraphRelation.source_id.in_(ids), GraphRelation.target_id.in_(ids))
    return await _edges(session, sight, either, kind, limit)


async def among(
    session: AsyncSession, sight: Sight, entity_ids: Collection[UUID], kind: Kind, limit: int
) -> list[Edge]:
    """Edges of which both ends are among these entities."""
    ids = list(entity_ids)
    if not ids:
        return []
    both = GraphRelation.source_id.in_(ids) & GraphRelation.target_id.in_(ids)
    return await _edges(session, sight, both, kind, limit)


async def most_told(session: AsyncSession, sight: Sight, limit: int) -> list[UUID]:
    """The entities that are told of most often, where the caller may see it; then those by hand."""
    root = aliased(GraphEntity)
    told = (
        sight.mentions()
        .join(root, root.id == Member.root_id)
        .where(root.deleted_at.is_(None))
        .with_only_columns(Member.root_id)
        .group_by(Member.root_id)
        .order_by(func.count().desc(), Member.root_id)
        .limit(limit)
    )
    found = list(await session.scalars(told))
    by_hand = (
        select(Member.root_id)
        .join(root, root.id == Member.root_id)
        .where(
            Member.workspace_id == sight.workspace_id,
            Member.origin == "manual",
            root.deleted_at.is_(None),
        )
        .distinct()
        .order_by(Member.root_id)
        .limit(limit)
    )
    return list(dict.fromkeys([*found, *await session.scalars(by_hand)]))[:limit]


async def _edges(
    session: AsyncSession, sight: Sight, where: ColumnElement[bool], kind: Kind, limit: int
) -> list[Edge]:
    found = {each.id: each for each in await _told(session, sight, where, kind, limit)}
    for relation in await _by_hand(session, sight, where, kind, limit):
        if relation.id not in found:
            ends = (relation.source_id, relation.target_id)
            found[relation.id] = Edge(relation.id, *ends, relation.type, 1)
    heavy = [each for each in found.values() if each.weight >= kind.min_weight]
    return sorted(heavy, key=lambda each: (-each.weight, each.id))[:limit]


async def _told(
    session: AsyncSession, sight: Sight, where: ColumnElement[bool], kind: Kind, limit: int
) -> list[Edge]:
    counted = func.count()
    statement = (
        sight.links()
        .join(GraphRelation, GraphRelation.id == Link.root_id)
        .where(where, *_walkable(kind))
        .with_only_columns(
            GraphRelation.id,
            GraphRelation.source_id,
            GraphRelation.target_id,
            GraphRelation.type,
            counted.label("told"),
        )
        .group_by(GraphRelation.id)
        .order_by(counted.desc(), GraphRelation.id)
        .limit(limit)
    )
    return [
        Edge(row.id, row.source_id, row.target_id, row.type, row.told)
        for row in (await session.execute(statement)).all()
    ]


async def _by_hand(
    session: AsyncSession, sight: Sight, where: ColumnElement[bool], kind: Kind, limit: int
) -> Sequence[GraphRelation]:
    member = aliased(GraphRelation)
    made = select(member.id).where(member.root_id == GraphRelation.id, member.origin == "manual")
    statement = (
        select(GraphRelation)
        .where(where, *_walkable(kind), made.exists(), sight.sees_relation())
        .order_by(GraphRelation.id)
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


def _walkable(kind: Kind) -> list[ColumnElement[bool]]:
    rules: list[Any] = [
        GraphRelation.deleted_at.is_(None),
        GraphRelation.source_id != GraphRelation.target_id,
    ]
    for end in (GraphRelation.source_id, GraphRelation.target_id):
        living = select(Member.id).where(Member.id == end, Member.deleted_at.is_(None))
        rules.append(living.correlate(GraphRelation).exists())
    if kind.types:
        rules.append(GraphRelation.type.in_(kind.types))
    return rules
