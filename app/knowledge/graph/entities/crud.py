"""Entities in Postgres."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Text, cast, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import restorable
from app.core.paging import Cursors, Keyset, Slice, fetch_page
from app.knowledge.graph.entities.schemas import EntityQuery
from app.knowledge.graph.errors import EntityExists
from app.knowledge.graph.models import GraphContribution, GraphEntity
from app.knowledge.graph.sight import Member, Sight
from app.knowledge.graph.told import NAME
from app.knowledge.passages.mentioning import has_part
from app.knowledge.passages.models import Passage


async def page(
    session: AsyncSession, sight: Sight, query: EntityQuery, cursors: Cursors
) -> Slice[GraphEntity]:
    """Newest first."""
    rules = [sight.sees_entity(), restorable.listed(GraphEntity, query), *_filters(sight, query)]
    return await fetch_page(
        session,
        select(GraphEntity).where(*rules),
        Keyset(GraphEntity.created_at, GraphEntity.id),
        query,
        cursors=cursors,
        workspace_id=sight.workspace_id,
    )


async def find(
    session: AsyncSession, sight: Sight, entity_id: UUID, *, for_update: bool = False
) -> GraphEntity | None:
    """What an entity is shown as, if it is seen, a deleted one included."""
    root = select(Member.root_id).where(
        Member.id == entity_id, Member.workspace_id == sight.workspace_id
    )
    statement = select(GraphEntity).where(
        GraphEntity.id == root.scalar_subquery(), sight.sees_entity()
    )
    if for_update:
        statement = statement.with_for_update()
    found = await session.scalars(statement.execution_options(populate_existing=True))
    return found.one_or_none()


async def by_key(session: AsyncSession, workspace_id: UUID, key: str) -> GraphEntity | None:
    statement = select(GraphEntity).where(
        GraphEntity.workspace_id == workspace_id, GraphEntity.key == key
    )
    return (await session.scalars(statement)).one_or_none()


async def add(session: AsyncSession, entity: GraphEntity) -> GraphEntity:
    """Raises EntityExists."""
    try:
        async with session.begin_nested():
            session.add(entity)
    except IntegrityError:
        raise EntityExists("Change that one, or merge the two.") from None
    return entity


def _filters(sight: Sight, query: EntityQuery) -> list[ColumnElement[bool]]:
    rules: list[ColumnElement[bool]] = []
    if query.q is not None:
        rules.append(_is_called(sight, query.q))
    if query.type is not None:
        rules.append(_type(sight) == query.type)
    told = sight.mentions().where(Member.root_id == GraphEntity.id)
    if query.parent_id is not None:
        there = told.where(Passage.parent_id == query.parent_id)
        rules.append(_correlated(there, GraphContribution.id).exists())
    if query.min_contributions is not None:
        rules.append(_correlated(told, func.count()).scalar_subquery() >= query.min_contributions)
    return rules


def _is_called(sight: Sight, q: str) -> ColumnElement[bool]:
    """Whether one of the names that the caller may see has this in it."""
    told = sight.mentions().where(
        Member.root_id == GraphEntity.id,
        has_part(GraphContribution.name.expression, q),
    )
    by_hand = select(Member.id).where(
        Member.root_id == GraphEntity.id, has_part(Member.name.expression, q)
    )
    return or_(
        _correlated(told, GraphContribution.id).exists(),
        by_hand.correlate(GraphEntity).exists(),
        has_part(cast(GraphEntity.aliases, Text), q),
    )


def _type(sight: Sight) -> Any:
    """The type that is shown; `told.Told.type` says the same of one."""
    told = (
        _correlated(
            sight.mentions().where(Member.root_id == GraphEntity.id), GraphContribution.type
        )
        .group_by(GraphContribution.type)
        .order_by(
            (GraphContribution.type == NAME).asc(),
            func.count().desc(),
            GraphContribution.type.collate("C"),
        )
        .limit(1)
        .scalar_subquery()
    )
    return func.coalesce(GraphEntity.type, told, NAME)


def _correlated(statement: Any, *columns: Any) -> Any:
    return statement.with_only_columns(*columns).correlate(GraphEntity)
