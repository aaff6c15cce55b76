"""What the members of a workspace do with collections."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import Final, Literal
from uuid import UUID

from app.core import restorable
from app.core.auth import Access
from app.core.bulk import BulkResult, each
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.core.paging import Cursors, Slice
from app.core.versions import match
from app.identity.sharing import service as sharing
from app.identity.sharing.service import Shareable
from app.inference.embeddings.embedders import Embedders
from app.inference.embeddings.errors import EmbeddingModelUnknown
from app.inference.routing.names import allows
from app.inference.usage.payer import Payer
from app.knowledge.collections import crud
from app.knowledge.collections.errors import (
    CollectionNotFound,
    CollectionNotYours,
    CollectionReadOnly,
    EmbeddingModelNotUsable,
    TooManyCollections,
)
from app.knowledge.collections.models import Collection
from app.knowledge.collections.schemas import (
    CollectionBulkItem,
    CollectionCreate,
    CollectionQuery,
    CollectionUpdate,
)
from app.runs.runs import service as runs

MOST_COLLECTIONS: Final = 1000
To = Literal["read", "write", "own"]


async def create(
    session: AsyncSession, embedders: Embedders, access: Access, new: CollectionCreate
) -> Collection:
    """Raises TooManyCollections, CollectionSlugTaken and EmbeddingModelNotUsable."""
    await expect_model(embedders, access, new.embedding_model)
    await _expect_room(session, access)
    collection = Collection(
        id=new_id(),
        workspace_id=access.workspace_id,
        owner_id=access.user_id,
        name=new.name,
        description=new.description,
        visibility=new.visibility,
        embedding_model=new.embedding_model,
        chunking=new.chunking.model_dump(),
        labels=new.metadata,
    )
    collection.slug = new.slug or slug_of(new.name, collection.id)
    await crud.save(session, collection)
    return collection


async def expect_model(embedders: Embedders, access: Access, model: str | None) -> None:
    """Raise EmbeddingModelNotUsable for a model that nobody offers, or that the key may not use."""
    slug, _, name = (model or "").partition("/")
    bound = () if model is None or access.rules.models is None else (access.rules.models,)
    if not allows(bound, slug, name):
        raise EmbeddingModelNotUsable(f"The API key may not use `{model}`.")
    try:
        await embedders.of(Payer(access.workspace_id, access.user_id, "knowledge"), model)
    except EmbeddingModelUnknown as error:
        raise EmbeddingModelNotUsable(error.detail) from None


async def get(
    session: AsyncSession,
    access: Access,
    collection_id: UUID,
    *,
    to: To = "read",
    for_update: bool = False,
) -> Collection:
    """A living collection that the caller sees.

    Raises CollectionNotFound, and where they may do less CollectionReadOnly, CollectionNotYours.
    """
    collection = await _any(session, access, collection_id, for_update=for_update)
    if collection.deleted_at is not None:
        raise CollectionNotFound
    await _expect_right(session, access, collection, to)
    return collection


async def show(session: AsyncSession, access: Access, collection_id: UUID) -> Collection:
    """One, with its counts; raises CollectionNotFound."""
    return await _counted(session, await get(session, access, collection_id))


async def page(
    session: AsyncSession, access: Access, query: CollectionQuery, cursors: Cursors
) -> Slice[Collection]:
    found = await crud.page(session, access.workspace_id, access.user_id, query, cursors)
    await crud.count_into(session, access.workspace_id, found.data)
    return found


async def known(session: AsyncSession, access: Access, names: Iterable[str]) -> set[str]:
    """Those of the names, slugs or ids, that lead to a collection which the caller sees."""
    return await crud.known_names(session, access.workspace_id, access.user_id, names)


async def update(
    session: AsyncSession, access: Access, collection_id: UUID, change: CollectionUpdate
) -> Collection:
    """Raises CollectionSlugTaken, and what `get` raises."""
    given = change.model_fields_set
    to: To = "own" if "visibility" in given else "write"
    collection = await get(session, access, collection_id, to=to, for_update=True)
    await match(session, collection)
    for field in ("name", "slug", "visibility"):
        if field in given:
            setattr(collection, field, getattr(change, field))
    if "description" in given:
        collection.description = change.description or ""
    if "metadata" in given:
        collection.labels = change.metadata or {}
    if collection.visibility == "private" and collection.owner_id is None:
        collection.owner_id = access.user_id
    await crud.save(session, collection)
    await session.refresh(collection)
    return await _counted(session, collection)


async def delete(
    session: AsyncSession,
    access: Access,
    collection_id: UUID,
    cancelled: Callable[[UUID], None] = lambda _: None,
) -> None:
    """Soft: nothing of it is found any more, and `restore` brings it back for 30 days.

    A run that indexes it anew is to be cancelled; `cancelled` is told which.
    """
    collection = await get(session, access, collection_id, to="own", for_update=True)
    await match(session, collection)
    collection.deleted_at = now()
    if collection.reindex_run_id is not None:
        await runs.request_cancel_idle(session, access.workspace_id, collection.reindex_run_id)
        cancelled(collection.reindex_run_id)
    await session.flush()


async def restore(session: AsyncSession, access: Access, collection_id: UUID) -> Collection:
    """Bring a deleted one back; a living one stays as it is.

    Raises RestoreExpired, TooManyCollections and CollectionSlugTaken.
    """
    collection = await _any(session, access, collection_id, for_update=True)
    await _expect_right(session, access, collection, "own")
    restorable.expect_restorable(collection)
    if collection.deleted_at is not None:
        await _expect_room(session, access)
        collection.deleted_at = None
        await crud.save(session, collection)
        await session.refresh(collection)
    return await _counted(session, collection)


async def bulk(
    session: AsyncSession,
    access: Access,
    items: list[CollectionBulkItem],
    cancelled: Callable[[UUID], None],
) -> BulkResult:
    """Each item on its own: one that fails leaves the others done."""

    async def act(item: CollectionBulkItem) -> UUID:
        if item.action == "delete":
            await delete(session, access, item.id, cancelled)
        else:
            await restore(session, access, item.id)
        return item.id

    return await each(session, items, act)


async def shareable(session: AsyncSession, access: Access, collection_id: UUID) -> Shareable:
    """A collection that the caller may share; raises CollectionNotFound and CollectionNotYours."""
    found = await get(session, access, collection_id, to="own")
    return Shareable(crud.SHARED_AS, found.id)


def slug_of(name: str, collection_id: UUID) -> str:
    """A slug made of a name, with an end of its own so that it is nobody else's."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:50].strip("-")
    return f"{words or 'collection'}-{collection_id.hex[-8:]}"


async def _any(
    session: AsyncSession, access: Access, collection_id: UUID, *, for_update: bool
) -> Collection:
    """One that the caller sees, a deleted one included."""
    collection = await restorable.find(
        session, Collection, access.workspace_id, collection_id, for_update=for_update
    )
    if collection is None or not await crud.is_visible(
        session, access.workspace_id, access.user_id, collection_id
    ):
        raise CollectionNotFound
    return collection


async def _expect_right(
    session: AsyncSession, access: Access, collection: Collection, to: To
) -> None:
    is_open = collection.visibility == "workspace" or collection.owner_id == access.user_id
    if to == "read" or is_open:
        return
    if to == "own":
        raise CollectionNotYours("Ask whoever shares it with you.")
    if await sharing.level_of(session, access, collection.id) != "write":
        raise CollectionReadOnly("Ask whoever shares it with you to let you write.")


async def _expect_room(session: AsyncSession, access: Access) -> None:
    living = await restorable.count_living(session, Collection, access.workspace_id)
    if living >= MOST_COLLECTIONS:
        raise TooManyCollections(f"A workspace has at most {MOST_COLLECTIONS}; delete some.")


async def _counted(session: AsyncSession, collection: Collection) -> Collection:
    await crud.count_into(session, collection.workspace_id, [collection])
    return collection
