"""Snapshots of collections in Postgres."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer

from app.core import restorable
from app.core.paging import Cursors, Keyset, Slice, fetch_page
from app.knowledge.collections.models import CollectionSnapshot, Document
from app.knowledge.collections.snapshot_schemas import SnapshotQuery


async def get(
    session: AsyncSession,
    workspace_id: UUID,
    collection_id: UUID,
    snapshot_id: UUID,
    *,
    whole: bool = False,
) -> CollectionSnapshot | None:
    """One, a deleted one included; `whole` is with its documents."""
    statement = select(CollectionSnapshot).where(
        CollectionSnapshot.workspace_id == workspace_id,
        CollectionSnapshot.collection_id == collection_id,
        CollectionSnapshot.id == snapshot_id,
    )
    if whole:
        statement = statement.options(undefer(CollectionSnapshot.documents))
    return (await session.scalars(statement)).one_or_none()


async def page(
    session: AsyncSession,
    workspace_id: UUID,
    collection_id: UUID,
    query: SnapshotQuery,
    cursors: Cursors,
) -> Slice[CollectionSnapshot]:
    """Newest first."""
    return await fetch_page(
        session,
        select(CollectionSnapshot).where(
            CollectionSnapshot.workspace_id == workspace_id,
            CollectionSnapshot.collection_id == collection_id,
            restorable.listed(CollectionSnapshot, query),
        ),
        Keyset(CollectionSnapshot.created_at, CollectionSnapshot.id),
        query,
        cursors=cursors,
        workspace_id=workspace_id,
        within=str(collection_id),
    )


async def count(session: AsyncSession, workspace_id: UUID, collection_id: UUID) -> int:
    statement = (
        restorable.living(CollectionSnapshot, workspace_id)
        .with_only_columns(func.count())
        .where(CollectionSnapshot.collection_id == collection_id)
    )
    return await session.scalar(statement) or 0


async def state(session: AsyncSession, workspace_id: UUID, collection_id: UUID) -> dict[str, int]:
    """The living documents of a collection, each with the version that is found, or wanted."""
    number = func.coalesce(Document.current_version, Document.wanted_version)
    statement = (
        restorable.living(Document, workspace_id)
        .with_only_columns(Document.id, number.label("number"))
        .where(Document.collection_id == collection_id)
    )
    return {str(row.id): row.number for row in await session.execute(statement)}


async def add(session: AsyncSession, snapshot: CollectionSnapshot) -> None:
    session.add(snapshot)
    await session.flush()


async def delete_expired(session: AsyncSession, before: datetime, most: int) -> int:
    """Delete snapshots for good that were deleted before; under SYSTEM."""
    expired = (
        select(CollectionSnapshot.id).where(CollectionSnapshot.deleted_at < before).limit(most)
    )
    gone = await session.scalars(
        delete(CollectionSnapshot)
        .where(CollectionSnapshot.id.in_(expired))
        .returning(CollectionSnapshot.id)
    )
    return len(gone.all())
