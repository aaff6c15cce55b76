"""Cache policies in Postgres."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import restorable
from app.core.paging import Cursors, Slice
from app.inference.cache.models import ResponseCache
from app.inference.cache.schemas import CacheQuery


async def in_force(session: AsyncSession, workspace_id: UUID) -> Sequence[ResponseCache]:
    """Those that are on, oldest first: the first that takes a call is its cache."""
    return await restorable.all_living(
        session, ResponseCache, workspace_id, ResponseCache.enabled.is_(True)
    )


async def page(
    session: AsyncSession, workspace_id: UUID, query: CacheQuery, cursors: Cursors
) -> Slice[ResponseCache]:
    wanted = [] if query.enabled is None else [ResponseCache.enabled.is_(query.enabled)]
    return await restorable.page(session, ResponseCache, workspace_id, query, cursors, *wanted)


async def add(session: AsyncSession, cache: ResponseCache) -> ResponseCache:
    session.add(cache)
    await session.flush()
    return cache
