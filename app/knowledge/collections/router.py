"""/v1/collections."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from app.core.auth import Access, Permission
from app.core.bulk import BulkResult
from app.core.errors import RestoreExpired
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page
from app.knowledge.collections import service
from app.knowledge.collections.edge import EmbeddersDep
from app.knowledge.collections.errors import (
    CollectionNotFound,
    CollectionNotYours,
    CollectionReadOnly,
    CollectionSlugTaken,
    EmbeddingModelNotUsable,
    TooManyCollections,
)
from app.knowledge.collections.models import Collection
from app.knowledge.collections.schemas import (
    CollectionBulk,
    CollectionCreate,
    CollectionQuery,
    CollectionRead,
    CollectionUpdate,
)
from app.runs.runs.bundle import RunsDep

Reader = Annotated[Access, require(Permission.COLLECTIONS_READ)]
Writer = Annotated[Access, require(Permission.COLLECTIONS_WRITE)]

router = guarded_router(prefix="/v1/collections", tag="collections")


@router.get(
    "",
    operation_id="collections_list",
    summary="List the collections that the caller sees, newest first",
    response_model=Page[CollectionRead],
    responses=problems(CursorInvalid),
)
async def list_collections(
    access: Reader, session: Session, kernel: KernelDep, query: Annotated[CollectionQuery, Query()]
) -> object:
    return await service.page(session, access, query, kernel.cursors)


@router.post(
    "",
    operation_id="collections_create",
    summary="Make a collection",
    status_code=201,
    response_model=CollectionRead,
    responses=problems(CollectionSlugTaken, TooManyCollections, EmbeddingModelNotUsable),
)
async def create_collection(
    access: Writer,
    session: Session,
    embedders: EmbeddersDep,
    new: CollectionCreate,
    response: Response,
) -> Collection:
    made = await service.create(session, embedders, access, new)
    response.headers["Location"] = f"/v1/collections/{made.id}"
    return made


@router.post(
    "/bulk",
    operation_id="collections_bulk",
    summary="Delete or restore up to 500 collections",
    response_model=BulkResult,
    responses=problems(),
)
async def bulk_collections(
    access: Writer, session: Session, running: RunsDep, request: CollectionBulk
) -> BulkResult:
    return await service.bulk(session, access, request.items, running.canceller(session))


@router.get(
    "/{collection_id}",
    operation_id="collections_get",
    summary="Show a collection",
    response_model=CollectionRead,
    responses=problems(CollectionNotFound),
)
async def get_collection(access: Reader, session: Session, collection_id: UUID) -> Collection:
    return await service.show(session, access, collection_id)


@router.patch(
    "/{collection_id}",
    operation_id="collections_update",
    summary="Change a collection's name, slug, description, visibility or metadata",
    response_model=CollectionRead,
    responses=problems(
        CollectionNotFound, CollectionReadOnly, CollectionNotYours, CollectionSlugTaken
    ),
)
async def update_collection(
    access: Writer, session: Session, collection_id: UUID, change: CollectionUpdate
) -> Collection:
    return await service.update(session, access, collection_id, change)


@router.delete(
    "/{collection_id}",
    operation_id="collections_delete",
    summary="Delete a collection; it can be restored for 30 days",
    description="Nothing of it is found from then on. After 30 days its files are removed.",
    status_code=204,
    responses=problems(CollectionNotFound, CollectionNotYours),
)
async def delete_collection(
    access: Writer, session: Session, running: RunsDep, collection_id: UUID
) -> None:
    await service.delete(session, access, collection_id, running.canceller(session))


@router.post(
    "/{collection_id}/restore",
    operation_id="collections_restore",
    summary="Bring a deleted collection back, with all its documents",
    response_model=CollectionRead,
    responses=problems(
        CollectionNotFound,
        CollectionNotYours,
        CollectionSlugTaken,
        TooManyCollections,
        RestoreExpired,
    ),
)
async def restore_collection(access: Writer, session: Session, collection_id: UUID) -> Collection:
    return await service.restore(session, access, collection_id)
