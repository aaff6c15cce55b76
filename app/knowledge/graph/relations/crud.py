"""Relations in Postgres."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import restorable
from app.core.paging import Cursors, Keyset, Slice, fetch_page
from app.knowledge.graph.models import GraphContribution, GraphEntity, GraphRelation
from app.knowledge.graph.relations.schemas import RelationQuery
from app.knowledge.graph.sight import Link, Member, Sight


async def page(
    session: AsyncSession, sight: Sight, query: RelationQuery, cursors: Cursors
) -> Slice[GraphRelation]:
    """Newest first."""
    rules = [sight.sees_relation(), restorable.listed(GraphRelation, query)]
    return await fetch_page(
        session,
        select(GraphRelation).where(*rules, *_filters(sight, query)),
        Keyset(GraphRelation.created_at, GraphRelation.id),
        query,
        cursors=cursors,
        workspace_id=sight.workspace_id,
    )


async def find(
    session: AsyncSession, sight: Sight, relation_id: UUID, *, for_update: bool = False
) -> GraphRelation | None:
    """What a relation is shown as, if it is seen, a deleted one included."""
    root = select(Link.root_id).where(
        Link.id == relation_id, Link.workspace_id == sight.workspace_id
    )
    statement = select(GraphRelation).where(
        GraphRelation.id == root.scalar_subquery(), sight.sees_relation()
    )
    if for_update:
        statement = statement.with_for_update()
    found = await session.scalars(statement.execution_options(populate_existing=True))
    return found.one_or_none()


async def by_id(
    session: AsyncSession, workspace_id: UUID, relation_id: UUID
) -> GraphRelation | None:
    statement = select(GraphRelation).where(
        GraphRelation.workspace_id == workspace_id, GraphRelation.id == relation_id
    )
    return (await session.scalars(statement)).one_or_none()


async def add(session: AsyncSession, relation: GraphRelation) -> GraphRelation:
    session.add(relation)
    await session.flush()
    return relation


async def ends_of(
    session: AsyncSession, workspace_id: UUID, relations: Sequence[GraphRelation]
) -> dict[UUID, GraphEntity]:
    ids = {each.source_id for each in relations} | {each.target_id for each in relations}
    statement = select(GraphEntity).where(
        GraphEntity.workspace_id == workspace_id, GraphEntity.id.in_(ids)
    )
    return {each.id: each for each in await session.scalars(statement)}


async def told(
    session: AsyncSession, sight: Sight, relation_ids: Sequence[UUID]
) -> dict[UUID, tuple[int, str]]:
    """How often each root is told of, and something that is said of it."""
    said = func.max(GraphContribution.description)
    statement = (
        sight.links()
        .where(Link.root_id.in_(relation_ids))
        .with_only_columns(Link.root_id, func.count().label("times"), said.label("said"))
        .group_by(Link.root_id)
    )
    return {
        row.root_id: (row.times, row.said or "") for row in (await session.execute(statement)).all()
    }


async def by_hand(session: AsyncSession, relation_ids: Sequence[UUID]) -> set[UUID]:
    """Those of the roots of which a member was made by hand."""
    statement = select(GraphRelation.root_id).where(
        GraphRelation.root_id.in_(relation_ids), GraphRelation.origin == "manual"
    )
    return set(await session.scalars(statement))


def _filters(sight: Sight, query: RelationQuery) -> list[ColumnElement[bool]]:
    rules: list[ColumnElement[bool]] = []
    if query.type is not None:
        rules.append(GraphRelation.type == query.type)
    if query.entity_id is not None:
        root = _root(query.entity_id)
        rules.append(or_(GraphRelation.source_id == root, GraphRelation.target_id == root))
    if query.source_id is not None:
        rules.append(GraphRelation.source_id == _root(query.source_id))
    if query.target_id is not None:
        rules.append(GraphRelation.target_id == _root(query.target_id))
    if query.min_contributions is not None:
        counted = (
            sight.links()
            .where(Link.root_id == GraphRelation.id)
            .with_only_columns(func.count())
            .correlate(GraphRelation)
            .scalar_subquery()
        )
        rules.append(counted >= query.min_contributions)
    return rules


def _root(entity_id: UUID) -> Any:
    return select(Member.root_id).where(Member.id == entity_id).scalar_subquery()
