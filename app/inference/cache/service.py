"""What a workspace does with its caches."""

from collections.abc import Callable
from uuid import UUID

from app.core import restorable
from app.core.auth import Access
from app.core.clock import now
from app.core.db import AsyncSession, on_commit
from app.core.ids import new_id
from app.core.paging import Cursors, Slice
from app.core.versions import match
from app.inference.cache import crud
from app.inference.cache.errors import CacheNotFound
from app.inference.cache.models import ResponseCache
from app.inference.cache.schemas import CacheCreate, CacheQuery, CacheUpdate

# What is done once a change stands: other calls learn of it, or answers are deleted.
Changed = Callable[[UUID], None]
Purge = Callable[[UUID, UUID], None]


async def create(
    session: AsyncSession, access: Access, new: CacheCreate, changed: Changed
) -> ResponseCache:
    fields = new.model_dump(mode="json")
    cache = ResponseCache(id=new_id(), workspace_id=access.workspace_id, generation=1, **fields)
    await crud.add(session, cache)
    on_commit(session, lambda: changed(access.workspace_id))
    return cache


async def get(
    session: AsyncSession, access: Access, cache_id: UUID, *, for_update: bool = False
) -> ResponseCache:
    """A living one; raises CacheNotFound."""
    found = await restorable.find(
        session, ResponseCache, access.workspace_id, cache_id, for_update=for_update
    )
    if found is None or found.deleted_at:
        raise CacheNotFound
    return found


async def page(
    session: AsyncSession, access: Access, query: CacheQuery, cursors: Cursors
) -> Slice[ResponseCache]:
    return await crud.page(session, access.workspace_id, query, cursors)


async def update(
    session: AsyncSession, access: Access, cache_id: UUID, change: CacheUpdate, changed: Changed
) -> ResponseCache:
    """What is kept already stays, but for `scope` and `models`, which name entries anew."""
    cache = await get(session, access, cache_id, for_update=True)
    await match(session, cache)
    for name, value in change.given().items():
        setattr(cache, name, value)
    await session.flush()
    await session.refresh(cache)
    on_commit(session, lambda: changed(access.workspace_id))
    return cache


async def delete(
    session: AsyncSession, access: Access, cache_id: UUID, changed: Changed, purge: Purge
) -> None:
    """The policy can be restored; what it kept is gone."""
    cache = await get(session, access, cache_id, for_update=True)
    await match(session, cache)
    cache.deleted_at = now()
    await _empty(session, cache, changed, purge)


async def empty(
    session: AsyncSession, access: Access, cache_id: UUID, changed: Changed, purge: Purge
) -> None:
    """Delete what a cache has kept; no call finds it from then on."""
    cache = await get(session, access, cache_id, for_update=True)
    await match(session, cache)
    await _empty(session, cache, changed, purge)


async def restore(
    session: AsyncSession, access: Access, cache_id: UUID, changed: Changed
) -> ResponseCache:
    """Raises CacheNotFound and RestoreExpired."""
    cache = await restorable.find(
        session, ResponseCache, access.workspace_id, cache_id, for_update=True
    )
    if cache is None:
        raise CacheNotFound
    await restorable.bring_back(session, cache)
    on_commit(session, lambda: changed(access.workspace_id))
    return cache


async def _empty(
    session: AsyncSession, cache: ResponseCache, changed: Changed, purge: Purge
) -> None:
    cache.generation += 1
    await session.flush()
    workspace_id, cache_id = cache.workspace_id, cache.id
    on_commit(session, lambda: changed(workspace_id))
    on_commit(session, lambda: purge(workspace_id, cache_id))
