"""Merges and splits in Postgres."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.core.paging import Cursors, Keyset, Slice, fetch_page
from app.knowledge.graph.merges.schemas import MergeQuery
from app.knowledge.graph.models import (
    GraphContribution,
    GraphEntity,
    GraphMerge,
    GraphRelation,
)
from app.knowledge.graph.sight import Member, Sight


async def page(
    session: AsyncSession, sight: Sight, query: MergeQuery, cursors: Cursors
) -> Slice[GraphMerge]:
    """Newest first."""
    statement = select(GraphMerge).where(_is_seen(sight))
    if query.undone is not None:
        is_undone = GraphMerge.undone_at.is_not(None)
        statement = statement.where(is_undone if query.undone else ~is_undone)
    keyset = Keyset(GraphMerge.created_at, GraphMerge.id)
    return await fetch_page(
        session, statement, keyset, query, cursors=cursors, workspace_id=sight.workspace_id
    )


async def find(session: AsyncSession, sight: Sight, merge_id: UUID) -> GraphMerge | None:
    statement = select(GraphMerge).where(GraphMerge.id == merge_id, _is_seen(sight))
    return (await session.scalars(statement)).one_or_none()


def _is_seen(sight: Sight) -> ColumnElement[bool]:
    """Whether what was made whole or split off is seen, or what it was split off."""
    named = aliased(GraphEntity)
    seen = (
        select(named.id)
        .join(GraphEntity, GraphEntity.id == named.root_id)
        .where(named.id.in_([GraphMerge.entity_id, GraphMerge.from_id]), sight.sees_entity())
    )
    return and_(GraphMerge.workspace_id == sight.workspace_id, seen.correlate(GraphMerge).exists())


async def add(session: AsyncSession, merge: GraphMerge) -> GraphMerge:
    session.add(merge)
    await session.flush()
    return merge


async def entities(
    session: AsyncSession, workspace_id: UUID, entity_ids: Sequence[UUID]
) -> dict[UUID, GraphEntity]:
    """By their ids, as they are now."""
    statement = select(GraphEntity).where(
        GraphEntity.workspace_id == workspace_id, GraphEntity.id.in_(entity_ids)
    )
    found = await session.scalars(statement.execution_options(populate_existing=True))
    return {each.id: each for each in found}


async def mentions(
    session: AsyncSession, sight: Sight, root_id: UUID, contribution_ids: Sequence[UUID]
) -> Sequence[GraphContribution]:
    """Those of these contributions that tell of a root, and may be seen."""
    statement = sight.mentions().where(
        Member.root_id == root_id, GraphContribution.id.in_(contribution_ids)
    )
    return (await session.scalars(statement.order_by(GraphContribution.id))).all()


async def names_of(
    session: AsyncSession, sight: Sight, root_id: UUID
) -> Sequence[tuple[UUID, str]]:
    """The members of a root with each name that they are told by, where that may be seen."""
    told = (
        sight.mentions()
        .where(Member.root_id == root_id)
        .with_only_columns(Member.id, GraphContribution.name)
        .distinct()
    )
    by_hand = select(GraphEntity.id, func.coalesce(GraphEntity.name, GraphEntity.key)).where(
        GraphEntity.root_id == root_id,
        (GraphEntity.origin == "manual") | GraphEntity.name.is_not(None),
    )
    found = [*(await session.execute(told)).all(), *(await session.execute(by_hand)).all()]
    return [(row[0], row[1]) for row in found]


async def links_in(
    session: AsyncSession,
    workspace_id: UUID,
    passage_ids: Sequence[UUID],
    entity_ids: Sequence[UUID],
) -> Sequence[tuple[GraphContribution, GraphRelation]]:
    """What these passages tell of relations of these entities."""
    statement = (
        select(GraphContribution, GraphRelation)
        .join(GraphRelation, GraphRelation.id == GraphContribution.relation_id)
        .where(
            GraphContribution.workspace_id == workspace_id,
            GraphContribution.passage_id.in_(passage_ids),
            or_(
                GraphRelation.source_id.in_(entity_ids),
                GraphRelation.target_id.in_(entity_ids),
            ),
        )
        .order_by(GraphContribution.id)
    )
    return [(row[0], row[1]) for row in (await session.execute(statement)).all()]


async def contributions(
    session: AsyncSession, workspace_id: UUID, contribution_ids: Sequence[UUID]
) -> dict[UUID, GraphContribution]:
    """Those that are still there, by their ids."""
    statement = select(GraphContribution).where(
        GraphContribution.workspace_id == workspace_id,
        GraphContribution.id.in_(contribution_ids),
    )
    return {each.id: each for each in await session.scalars(statement)}
