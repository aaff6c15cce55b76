"""Collections in Postgres: those of the workspace, one's own, and those shared with one."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Text, cast, delete, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import restorable
from app.core.paging import Cursors, Slice
from app.identity.sharing.reach import shared_with
from app.knowledge.collections.errors import CollectionSlugTaken
from app.knowledge.collections.models import Collection, Document
from app.knowledge.collections.schemas import CollectionQuery
from app.knowledge.passages.mentioning import has_part
from app.knowledge.passages.models import Passage

SHARED_AS: Final = "collection"
KIND: Final = "document"


def visible(workspace_id: UUID, user_id: UUID) -> ColumnElement[bool]:
    """Which collections of a workspace a member sees."""
    return or_(
        Collection.visibility == "workspace",
        Collection.owner_id == user_id,
        Collection.id.in_(shared_with(workspace_id, user_id, SHARED_AS)),
    )


async def page(
    session: AsyncSession,
    workspace_id: UUID,
    user_id: UUID,
    query: CollectionQuery,
    cursors: Cursors,
) -> Slice[Collection]:
    """Newest first."""
    wanted = [visible(workspace_id, user_id)]
    if query.visibility is not None:
        wanted.append(Collection.visibility == query.visibility)
    if query.q is not None:
        wanted.append(has_part(Collection.name.expression, query.q))
    return await restorable.page(session, Collection, workspace_id, query, cursors, *wanted)


async def is_visible(
    session: AsyncSession, workspace_id: UUID, user_id: UUID, collection_id: UUID
) -> bool:
    statement = select(Collection.id).where(
        Collection.workspace_id == workspace_id,
        Collection.id == collection_id,
        visible(workspace_id, user_id),
    )
    return await session.scalar(statement) is not None


async def visible_ids(session: AsyncSession, workspace_id: UUID, user_id: UUID) -> Sequence[UUID]:
    """The living collections that a member sees."""
    statement = (
        restorable.living(Collection, workspace_id)
        .with_only_columns(Collection.id)
        .where(visible(workspace_id, user_id))
        .order_by(Collection.id)
    )
    return (await session.scalars(statement)).all()


async def known_names(
    session: AsyncSession, workspace_id: UUID, user_id: UUID, names: Iterable[str]
) -> set[str]:
    """Those of the names, slugs or ids, that lead to a living collection which a member sees."""
    called = cast(Collection.id, Text)
    statement = (
        restorable.living(Collection, workspace_id)
        .with_only_columns(Collection.slug, called)
        .where(visible(workspace_id, user_id), or_(Collection.slug.in_(names), called.in_(names)))
    )
    return {name for row in await session.execute(statement) for name in row} & {*names}


async def models(session: AsyncSession, workspace_id: UUID) -> Mapping[UUID, str]:
    """The embedding models of the collections that name one."""
    statement = (
        restorable.living(Collection, workspace_id)
        .with_only_columns(Collection.id, Collection.embedding_model)
        .where(Collection.embedding_model.is_not(None))
    )
    return {row.id: row.embedding_model for row in await session.execute(statement)}


async def count_into(
    session: AsyncSession, workspace_id: UUID, collections: Sequence[Collection]
) -> None:
    """Fill the counts of some collections in."""
    ids = [collection.id for collection in collections]
    documents = await session.execute(
        select(
            Document.collection_id,
            func.count().label("documents"),
            func.coalesce(func.sum(Document.size), 0).label("size"),
        )
        .where(
            Document.workspace_id == workspace_id,
            Document.collection_id.in_(ids),
            Document.deleted_at.is_(None),
        )
        .group_by(Document.collection_id)
    )
    passages = await session.execute(
        select(Passage.parent_id, func.count().label("passages"))
        .where(
            Passage.workspace_id == workspace_id,
            Passage.kind == KIND,
            Passage.parent_id.in_(ids),
        )
        .group_by(Passage.parent_id)
    )
    kept = {row.collection_id: row for row in documents}
    found = {row.parent_id: row.passages for row in passages}
    for collection in collections:
        row = kept.get(collection.id)
        collection.document_count = row.documents if row else 0
        collection.size = int(row.size) if row else 0
        collection.passage_count = found.get(collection.id, 0)


async def save(session: AsyncSession, collection: Collection) -> None:
    """Store a new or changed one; raises CollectionSlugTaken."""
    slug = collection.slug
    try:
        async with session.begin_nested():
            session.add(collection)
            await session.flush()
    except IntegrityError as error:
        raise CollectionSlugTaken(f"`{slug}` is in use here.") from error


async def lock(
    session: AsyncSession, workspace_id: UUID, collection_id: UUID, *, shared: bool
) -> Collection | None:
    """A living collection, read anew and held as it is until the transaction ends.

    Shared: by any number of transactions that put documents in, and none that flips its model.
    New documents come in either way.
    """
    statement = (
        restorable.living(Collection, workspace_id)
        .where(Collection.id == collection_id)
        .with_for_update(read=shared, key_share=not shared)
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).one_or_none()


async def delete_expired(session: AsyncSession, before: datetime, most: int) -> int:
    """Delete collections for good that were deleted before; under SYSTEM."""
    expired = select(Collection.id).where(Collection.deleted_at < before).limit(most)
    gone = await session.scalars(
        delete(Collection).where(Collection.id.in_(expired)).returning(Collection.id)
    )
    return len(gone.all())
