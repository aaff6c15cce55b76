"""/v1/collections/{collection_id}/snapshots."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from app.core.auth import Access, Permission
from app.core.errors import RestoreExpired
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page
from app.knowledge.collections import snapshots
from app.knowledge.collections.errors import (
    CollectionNotFound,
    CollectionReadOnly,
    SnapshotNotFound,
    TooManySnapshots,
)
from app.knowledge.collections.models import CollectionSnapshot
from app.knowledge.collections.snapshot_schemas import SnapshotCreate, SnapshotQuery, SnapshotRead

Reader = Annotated[Access, require(Permission.COLLECTIONS_READ)]
Writer = Annotated[Access, require(Permission.COLLECTIONS_WRITE)]

router = guarded_router(
    prefix="/v1/collections/{collection_id}/snapshots", tag="collection_snapshots"
)


@router.get(
    "",
    operation_id="collection_snapshots_list",
    summary="List the snapshots of a collection, newest first",
    response_model=Page[SnapshotRead],
    responses=problems(CollectionNotFound, CursorInvalid),
)
async def list_snapshots(
    collection_id: UUID,
    access: Reader,
    session: Session,
    kernel: KernelDep,
    query: Annotated[SnapshotQuery, Query()],
) -> object:
    return await snapshots.page(session, access, collection_id, query, kernel.cursors)


@router.post(
    "",
    operation_id="collection_snapshots_create",
    summary="Note which documents a collection has, in which versions",
    status_code=201,
    response_model=SnapshotRead,
    responses=problems(CollectionNotFound, CollectionReadOnly, TooManySnapshots),
)
async def create_snapshot(
    collection_id: UUID, access: Writer, session: Session, new: SnapshotCreate, response: Response
) -> CollectionSnapshot:
    made = await snapshots.create(session, access, collection_id, new)
    response.headers["Location"] = f"/v1/collections/{collection_id}/snapshots/{made.id}"
    return made


@router.get(
    "/{snapshot_id}",
    operation_id="collection_snapshots_get",
    summary="Show a snapshot",
    response_model=SnapshotRead,
    responses=problems(CollectionNotFound, SnapshotNotFound),
)
async def get_snapshot(
    collection_id: UUID, snapshot_id: UUID, access: Reader, session: Session
) -> CollectionSnapshot:
    return await snapshots.get(session, access, collection_id, snapshot_id)


@router.delete(
    "/{snapshot_id}",
    operation_id="collection_snapshots_delete",
    summary="Delete a snapshot; it can be restored for 30 days",
    status_code=204,
    responses=problems(CollectionNotFound, CollectionReadOnly, SnapshotNotFound),
)
async def delete_snapshot(
    collection_id: UUID, snapshot_id: UUID, access: Writer, session: Session
) -> None:
    await snapshots.delete(session, access, collection_id, snapshot_id)


@router.post(
    "/{snapshot_id}/restore",
    operation_id="collection_snapshots_restore",
    summary="Bring a deleted snapshot back",
    response_model=SnapshotRead,
    responses=problems(CollectionNotFound, CollectionReadOnly, SnapshotNotFound, RestoreExpired),
)
async def restore_snapshot(
    collection_id: UUID, snapshot_id: UUID, access: Writer, session: Session
) -> CollectionSnapshot:
    return await snapshots.restore(session, access, collection_id, snapshot_id)
