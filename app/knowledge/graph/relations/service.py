"""What a caller does with relations."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.core import restorable
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.paging import Cursors, PageQuery, Slice
from app.core.versions import match
from app.knowledge.graph import evidence
from app.knowledge.graph.entities.service import living as living_entity
from app.knowledge.graph.errors import RelationExists, RelationInvalid, RelationNotFound
from app.knowledge.graph.models import GraphRelation
from app.knowledge.graph.relations import crud
from app.knowledge.graph.relations.schemas import RelationCreate, RelationQuery, RelationUpdate
from app.knowledge.graph.sight import Link, Viewer
from app.knowledge.graph.telling import relation_row, settle, take_turn
from app.knowledge.graph.told import Shown
from app.knowledge.graph.told import shown as shown_entities


@dataclass(frozen=True, slots=True)
class ShownRelation:
    """A relation as a caller is shown it."""

    relation: GraphRelation
    source: Shown
    target: Shown
    weight: int
    said: str
    is_by_hand: bool

    @property
    def description(self) -> str:
        return self.relation.description or self.said

    @property
    def origin(self) -> str:
        return "manual" if self.is_by_hand else "extracted"

    def __getattr__(self, name: str) -> Any:
        return getattr(self.relation, name)


async def page(
    session: AsyncSession, viewer: Viewer, query: RelationQuery, cursors: Cursors
) -> Slice[ShownRelation]:
    found = await crud.page(session, viewer.sight, query, cursors)
    whole = iter(await shown(session, viewer, found.data))
    return found.map(lambda _: next(whole))


async def create(session: AsyncSession, viewer: Viewer, new: RelationCreate) -> ShownRelation:
    """Raises EntityNotFound, RelationInvalid and RelationExists."""
    await take_turn(session, viewer.workspace_id)
    source = await living_entity(session, viewer, new.source_id)
    target = await living_entity(session, viewer, new.target_id)
    if source.id == target.id:
        raise RelationInvalid
    row = relation_row(viewer.workspace_id, source.id, new.type, target.id)
    known = await crud.by_id(session, viewer.workspace_id, row["id"])
    seen = known and await crud.find(session, viewer.sight, row["id"])
    if known is not None and known.deleted_at is None and (known.origin == "manual" or seen):
        raise RelationExists("Change that one.")
    relation = known or await crud.add(session, GraphRelation(**row))
    relation.origin, relation.deleted_at = "manual", None
    relation.description, relation.properties = new.description, new.properties
    return await _changed(session, viewer, relation)


async def get(session: AsyncSession, viewer: Viewer, relation_id: UUID) -> ShownRelation:
    return await _whole(session, viewer, await living(session, viewer, relation_id))


async def update(
    session: AsyncSession, viewer: Viewer, relation_id: UUID, change: RelationUpdate
) -> ShownRelation:
    relation = await living(session, viewer, relation_id, for_update=True)
    await match(session, relation)
    for name, value in change.given().items():
        setattr(relation, name, value)
    return await _changed(session, viewer, relation)


async def delete(session: AsyncSession, viewer: Viewer, relation_id: UUID) -> None:
    """Soft: it is shown no more, whatever is told of it, until it is restored."""
    relation = await living(session, viewer, relation_id, for_update=True)
    await match(session, relation)
    relation.deleted_at = now()
    await session.flush()


async def restore(session: AsyncSession, viewer: Viewer, relation_id: UUID) -> ShownRelation:
    """Bring a deleted relation back; a living one stays as it is."""
    relation = await _found(session, viewer, relation_id, for_update=True)
    restorable.expect_restorable(relation)
    relation.deleted_at = None
    return await _changed(session, viewer, relation)


async def contributions(
    session: AsyncSession, viewer: Viewer, relation_id: UUID, query: PageQuery, cursors: Cursors
) -> Slice[evidence.Evidence]:
    """What tells of it, newest first."""
    relation = await living(session, viewer, relation_id)
    found = await evidence.page(session, viewer.sight, relation.id, query, cursors, of=Link)
    kept = await evidence.shown(session, viewer.access, viewer.sources, found.data)
    return Slice(kept, found.has_more, found.next_cursor, found.total)


async def living(
    session: AsyncSession, viewer: Viewer, relation_id: UUID, *, for_update: bool = False
) -> GraphRelation:
    """What a relation is shown as; raises RelationNotFound."""
    relation = await _found(session, viewer, relation_id, for_update=for_update)
    if relation.deleted_at is not None:
        raise RelationNotFound
    return relation


async def shown(
    session: AsyncSession, viewer: Viewer, relations: Sequence[GraphRelation]
) -> list[ShownRelation]:
    """Root relations with what the caller may see of them."""
    if not relations:
        return []
    ends = await crud.ends_of(session, viewer.workspace_id, relations)
    whole = {
        each.entity.id: each
        for each in await shown_entities(session, viewer.sight, list(ends.values()))
    }
    ids = [each.id for each in relations]
    told = await crud.told(session, viewer.sight, ids)
    by_hand = await crud.by_hand(session, ids)
    found = []
    for each in relations:
        weight, said = told.get(each.id, (0, ""))
        source, target = whole[each.source_id], whole[each.target_id]
        found.append(ShownRelation(each, source, target, weight, said, each.id in by_hand))
    return found


async def _found(
    session: AsyncSession, viewer: Viewer, relation_id: UUID, *, for_update: bool = False
) -> GraphRelation:
    relation = await crud.find(session, viewer.sight, relation_id, for_update=for_update)
    if relation is None:
        raise RelationNotFound
    return relation


async def _changed(session: AsyncSession, viewer: Viewer, relation: GraphRelation) -> ShownRelation:
    await session.flush()
    await settle(session, relations=[relation.id])
    await session.refresh(relation)
    return await _whole(session, viewer, relation)


async def _whole(session: AsyncSession, viewer: Viewer, relation: GraphRelation) -> ShownRelation:
    (whole,) = await shown(session, viewer, [relation])
    return whole
