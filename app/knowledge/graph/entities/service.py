"""What a caller does with entities."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from app.core import restorable
from app.core.bulk import BulkResult, each
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.paging import Cursors, PageQuery, Slice
from app.core.versions import match
from app.knowledge.graph import evidence
from app.knowledge.graph.entities import crud
from app.knowledge.graph.entities.schemas import (
    EntityBulkItem,
    EntityCreate,
    EntityQuery,
    EntityUpdate,
)
from app.knowledge.graph.errors import EntityExists, EntityNotFound
from app.knowledge.graph.keys import key_of
from app.knowledge.graph.models import GraphEntity
from app.knowledge.graph.sight import Member, Viewer
from app.knowledge.graph.telling import entity_row, settle, take_turn
from app.knowledge.graph.told import Shown, shown


async def page(
    session: AsyncSession, viewer: Viewer, query: EntityQuery, cursors: Cursors
) -> Slice[Shown]:
    found = await crud.page(session, viewer.sight, query, cursors)
    whole = iter(await shown(session, viewer.sight, found.data))
    return found.map(lambda _: next(whole))


async def create(session: AsyncSession, viewer: Viewer, new: EntityCreate) -> Shown:
    """Raises EntityExists.

    What is deleted, or told of only by passages that the caller may not see, is theirs to make.
    """
    await take_turn(session, viewer.workspace_id)
    key = key_of(new.name) or new.name.casefold()
    known = await crud.by_key(session, viewer.workspace_id, key)
    if known is not None and not await is_free(session, viewer, known):
        raise EntityExists("Change that one, or merge the two.")
    if known is None:
        row = entity_row(viewer.workspace_id, key, new.name)
        known = await crud.add(session, GraphEntity(**row))
    known.origin, known.deleted_at = "manual", None
    known.name, known.type = new.name, new.type
    known.description = new.description
    known.aliases, known.properties = list(new.aliases), new.properties
    return await _changed(session, viewer, known)


async def get(session: AsyncSession, viewer: Viewer, entity_id: UUID) -> Shown:
    return await _whole(session, viewer, await living(session, viewer, entity_id))


async def update(
    session: AsyncSession, viewer: Viewer, entity_id: UUID, change: EntityUpdate
) -> Shown:
    await take_turn(session, viewer.workspace_id)
    entity = await living(session, viewer, entity_id, for_update=True)
    await match(session, entity)
    for name, value in change.given().items():
        setattr(entity, name, value)
    if entity.origin == "manual" and entity.name is None:
        entity.name = entity.key
    return await _changed(session, viewer, entity)


async def delete(session: AsyncSession, viewer: Viewer, entity_id: UUID) -> None:
    """Soft: it is shown no more, whatever is told of it, until it is restored."""
    entity = await living(session, viewer, entity_id, for_update=True)
    await match(session, entity)
    entity.deleted_at = now()
    await session.flush()


async def restore(session: AsyncSession, viewer: Viewer, entity_id: UUID) -> Shown:
    """Bring a deleted entity back; a living one stays as it is."""
    entity = await _found(session, viewer, entity_id, for_update=True)
    restorable.expect_restorable(entity)
    entity.deleted_at = None
    return await _changed(session, viewer, entity)


async def bulk(
    session: AsyncSession, viewer: Viewer, items: Sequence[EntityBulkItem]
) -> BulkResult:
    # Several rows are locked here, in the caller's order: so nobody else may lock several.
    await take_turn(session, viewer.workspace_id)

    async def act(item: EntityBulkItem) -> UUID:
        done: Any = delete if item.action == "delete" else restore
        await done(session, viewer, item.id)
        return item.id

    return await each(session, items, act)


async def contributions(
    session: AsyncSession, viewer: Viewer, entity_id: UUID, query: PageQuery, cursors: Cursors
) -> Slice[evidence.Evidence]:
    """What tells of it, newest first."""
    entity = await living(session, viewer, entity_id)
    found = await evidence.page(session, viewer.sight, entity.id, query, cursors, of=Member)
    kept = await evidence.shown(session, viewer.access, viewer.sources, found.data)
    return Slice(kept, found.has_more, found.next_cursor, found.total)


async def living(
    session: AsyncSession, viewer: Viewer, entity_id: UUID, *, for_update: bool = False
) -> GraphEntity:
    """What an entity is shown as; raises EntityNotFound."""
    entity = await _found(session, viewer, entity_id, for_update=for_update)
    if entity.deleted_at is not None:
        raise EntityNotFound
    return entity


async def _found(
    session: AsyncSession, viewer: Viewer, entity_id: UUID, *, for_update: bool = False
) -> GraphEntity:
    entity = await crud.find(session, viewer.sight, entity_id, for_update=for_update)
    if entity is None:
        raise EntityNotFound
    return entity


async def is_free(session: AsyncSession, viewer: Viewer, entity: GraphEntity) -> bool:
    """Whether it stands for itself, and is deleted, or told of where the caller does not see it."""
    if entity.root_id != entity.id:
        return False
    if entity.deleted_at is not None:
        return True
    return entity.origin != "manual" and await crud.find(session, viewer.sight, entity.id) is None


async def _changed(session: AsyncSession, viewer: Viewer, entity: GraphEntity) -> Shown:
    await session.flush()
    await settle(session, [entity.id])
    await session.refresh(entity)
    return await _whole(session, viewer, entity)


async def _whole(session: AsyncSession, viewer: Viewer, entity: GraphEntity) -> Shown:
    (whole,) = await shown(session, viewer.sight, [entity])
    return whole
