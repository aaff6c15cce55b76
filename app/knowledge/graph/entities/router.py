"""/v1/graph/entities."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from app.core.bulk import BulkResult
from app.core.errors import RestoreExpired
from app.core.http.guard import KernelDep, guarded_router
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page, PageQuery
from app.knowledge.graph.edge import Reader, SourcesDep, Writer
from app.knowledge.graph.entities import service
from app.knowledge.graph.entities.schemas import (
    ContributionRead,
    EntityBulk,
    EntityCreate,
    EntityQuery,
    EntityRead,
    EntityUpdate,
)
from app.knowledge.graph.errors import EntityExists, EntityNotFound
from app.knowledge.graph.sight import viewer_of
from app.knowledge.graph.told import Shown

router = guarded_router(prefix="/v1/graph/entities", tag="graph-entities")


@router.get(
    "",
    operation_id="graph_entities_list",
    summary="List the entities that you may see, newest first",
    response_model=Page[EntityRead],
    responses=problems(CursorInvalid),
)
async def list_entities(
    access: Reader,
    session: Session,
    kernel: KernelDep,
    sources: SourcesDep,
    query: Annotated[EntityQuery, Query()],
) -> object:
    viewer = await viewer_of(session, access, sources)
    return await service.page(session, viewer, query, kernel.cursors)


@router.post(
    "",
    operation_id="graph_entities_create",
    summary="Make an entity by hand",
    status_code=201,
    response_model=EntityRead,
    responses=problems(EntityExists),
)
async def create_entity(
    access: Writer, session: Session, sources: SourcesDep, new: EntityCreate, response: Response
) -> Shown:
    made = await service.create(session, await viewer_of(session, access, sources), new)
    response.headers["Location"] = f"/v1/graph/entities/{made.entity.id}"
    return made


@router.post(
    "/bulk",
    operation_id="graph_entities_bulk",
    summary="Delete or restore up to 500 entities",
    response_model=BulkResult,
    responses=problems(),
)
async def bulk_entities(
    access: Writer, session: Session, sources: SourcesDep, request: EntityBulk
) -> BulkResult:
    viewer = await viewer_of(session, access, sources)
    return await service.bulk(session, viewer, request.items)


@router.get(
    "/{entity_id}",
    operation_id="graph_entities_get",
    summary="Show an entity; of one that was merged, the one it is part of",
    response_model=EntityRead,
    responses=problems(EntityNotFound),
)
async def get_entity(
    access: Reader, session: Session, sources: SourcesDep, entity_id: UUID
) -> Shown:
    return await service.get(session, await viewer_of(session, access, sources), entity_id)


@router.patch(
    "/{entity_id}",
    operation_id="graph_entities_update",
    summary="Set an entity's name, type, description, aliases or properties by hand",
    response_model=EntityRead,
    responses=problems(EntityNotFound),
)
async def update_entity(
    access: Writer, session: Session, sources: SourcesDep, entity_id: UUID, change: EntityUpdate
) -> Shown:
    viewer = await viewer_of(session, access, sources)
    return await service.update(session, viewer, entity_id, change)


@router.delete(
    "/{entity_id}",
    operation_id="graph_entities_delete",
    summary="Take an entity out of the graph, whatever tells of it",
    status_code=204,
    responses=problems(EntityNotFound),
)
async def delete_entity(
    access: Writer, session: Session, sources: SourcesDep, entity_id: UUID
) -> None:
    await service.delete(session, await viewer_of(session, access, sources), entity_id)


@router.post(
    "/{entity_id}/restore",
    operation_id="graph_entities_restore",
    summary="Bring a deleted entity back",
    response_model=EntityRead,
    responses=problems(EntityNotFound, RestoreExpired),
)
async def restore_entity(
    access: Writer, session: Session, sources: SourcesDep, entity_id: UUID
) -> Shown:
    return await service.restore(session, await viewer_of(session, access, sources), entity_id)


@router.get(
    "/{entity_id}/contributions",
    operation_id="graph_entities_list_contributions",
    summary="List the passages that tell of an entity",
    response_model=Page[ContributionRead],
    responses=problems(EntityNotFound, CursorInvalid),
)
async def list_contributions(
    access: Reader,
    session: Session,
    kernel: KernelDep,
    sources: SourcesDep,
    entity_id: UUID,
    query: Annotated[PageQuery, Query()],
) -> object:
    viewer = await viewer_of(session, access, sources)
    return await service.contributions(session, viewer, entity_id, query, kernel.cursors)
