"""What the members of a workspace do with snapshots of a collection."""

from typing import Final
from uuid import UUID

from app.core import restorable
from app.core.auth import Access
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.core.paging import Cursors, Slice
from app.core.versions import match
from app.knowledge.collections import service as collections
from app.knowledge.collections import snapshot_crud as crud
from app.knowledge.collections.errors import SnapshotNotFound, TooManySnapshots
from app.knowledge.collections.models import CollectionSnapshot
from app.knowledge.collections.service import To
from app.knowledge.collections.snapshot_schemas import SnapshotCreate, SnapshotQuery

MOST_SNAPSHOTS: Final = 100


async def create(
    session: AsyncSession, access: Access, collection_id: UUID, new: SnapshotCreate
) -> CollectionSnapshot:
    """Raises CollectionNotFound, CollectionReadOnly and TooManySnapshots."""
    collection = await collections.get(session, access, collection_id, to="write")
    if await crud.count(session, access.workspace_id, collection.id) >= MOST_SNAPSHOTS:
        raise TooManySnapshots(f"A collection has at most {MOST_SNAPSHOTS}; delete some.")
    documents = await crud.state(session, access.workspace_id, collection.id)
    snapshot = CollectionSnapshot(
        id=new_id(),
        workspace_id=access.workspace_id,
        collection_id=collection.id,
        created_by_id=access.user_id,
        name=new.name,
        documents=documents,
        document_count=len(documents),
    )
    await crud.add(session, snapshot)
    return snapshot


async def page(
    session: AsyncSession,
    access: Access,
    collection_id: UUID,
    query: SnapshotQuery,
    cursors: Cursors,
) -> Slice[CollectionSnapshot]:
    collection = await collections.get(session, access, collection_id)
    return await crud.page(session, access.workspace_id, collection.id, query, cursors)


async def get(
    session: AsyncSession,
    access: Access,
    collection_id: UUID,
    snapshot_id: UUID,
    *,
    to: To = "read",
    deleted: bool = False,
) -> CollectionSnapshot:
    """Raises CollectionNotFound, CollectionReadOnly and SnapshotNotFound."""
    collection = await collections.get(session, access, collection_id, to=to)
    found = await crud.get(session, access.workspace_id, collection.id, snapshot_id)
    if found is None or (found.deleted_at is not None and not deleted):
        raise SnapshotNotFound
    return found


async def delete(
    session: AsyncSession, access: Access, collection_id: UUID, snapshot_id: UUID
) -> None:
    """Soft: `restore` brings it back for 30 days."""
    snapshot = await get(session, access, collection_id, snapshot_id, to="write")
    await match(session, snapshot)
    snapshot.deleted_at = now()
    await session.flush()


async def restore(
    session: AsyncSession, access: Access, collection_id: UUID, snapshot_id: UUID
) -> CollectionSnapshot:
    """Raises RestoreExpired."""
    snapshot = await get(session, access, collection_id, snapshot_id, to="write", deleted=True)
    await restorable.bring_back(session, snapshot)
    return snapshot
