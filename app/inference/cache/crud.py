"""Cache policies in Postgres."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.paging import Cursors, Keyset, Slice, fetch_page
from app.inference.cache.models import ResponseCache
from app.inference.cache.schemas import CacheQuery


async def get(
    session: AsyncSession, workspace_id: UUID, cache_id: UUID, *, for_update: bool = False
) -> ResponseCache | None:
    """A cache, deleted ones included."""
    statement = select(ResponseCache).where(
        ResponseCache.workspace_id == workspace_id, ResponseCache.id == cache_id
    )
    if for_update:
        statement = statement.with_for_update()
    return (await session.scalars(statement)).one_or_none()


async def in_force(session: AsyncSession, workspace_id: UUID) -> Sequence[ResponseCache]:
    """Those that are on, oldest first: the first that takes a call is its cache."""
    statement = select(ResponseCache).where(
        ResponseCache.workspace_id == workspace_id,
        ResponseCache.deleted_at.is_(None),
        ResponseCache.enabled.is_(True),
    )
    return (await session.scalars(statement.order_by(ResponseCache.id))).all()


async def page(
    session: AsyncSession, workspace_id: UUID, query: CacheQuery, cursors: Cursors
) -> Slice[ResponseCache]:
    deleted = ResponseCache.deleted_at
    statement = select(ResponseCache).where(
        ResponseCache.workspace_id == workspace_id,
        deleted.is_not(None) if query.deleted else deleted.is_(None),
    )
    if query.enabled is not None:
        statement = statement.where(ResponseCache.enabled.is_(query.enabled))
    keyset = Keyset(ResponseCache.created_at, ResponseCache.id)
    return await fetch_page(
        session, statement, keyset, query, cursors=cursors, workspace_id=workspace_id
    )


async def add(session: AsyncSession, cache: ResponseCache) -> ResponseCache:
    session.add(cache)
    await session.flush()
    return cache
