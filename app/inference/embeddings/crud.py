"""Kept embeddings in Postgres: looked up and kept by the dozen, pruned in pieces."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Select, delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import now
from app.inference.embeddings.models import EmbeddingCache

_KEY: Final = (EmbeddingCache.workspace_id, EmbeddingCache.model, EmbeddingCache.sha256)
# Noted once a day, not at every use.
TOUCHED: Final = timedelta(days=1)


async def find(
    session: AsyncSession, workspace_id: UUID, model: str, digests: Sequence[bytes]
) -> Mapping[bytes, bytes]:
    """The vectors that are kept, by the digest of their text; they count as used now."""
    named = (
        EmbeddingCache.workspace_id == workspace_id,
        EmbeddingCache.model == model,
        EmbeddingCache.sha256.in_(digests),
    )
    statement = select(EmbeddingCache.sha256, EmbeddingCache.vector, EmbeddingCache.used_at)
    found = (await session.execute(statement.where(*named))).all()
    moment = now()
    if any(row.used_at < moment - TOUCHED for row in found):
        # In one order for all, and without waiting: two that use the same must not block.
        stale = (
            select(EmbeddingCache.sha256)
            .where(*named, EmbeddingCache.used_at < moment - TOUCHED)
            .with_for_update(skip_locked=True)
        )
        await session.execute(
            update(EmbeddingCache)
            .where(*named, EmbeddingCache.sha256.in_(stale.scalar_subquery()))
            .values(used_at=moment)
        )
    return {row.sha256: row.vector for row in found}


async def keep(
    session: AsyncSession, workspace_id: UUID, model: str, vectors: Mapping[bytes, bytes]
) -> None:
    rows = [
        {"workspace_id": workspace_id, "model": model, "sha256": digest, "vector": vector}
        for digest, vector in sorted(vectors.items())
    ]
    given = insert(EmbeddingCache)
    newer = given.on_conflict_do_update(index_elements=_KEY, set_={"vector": given.excluded.vector})
    await session.execute(newer, rows)


async def prune_unused(session: AsyncSession, before: datetime, most: int) -> int:
    """Delete some that were not used since; under SYSTEM."""
    old = select(*_KEY).where(EmbeddingCache.used_at < before).limit(most)
    return await _delete(session, old)


async def crowded(session: AsyncSession, most: int) -> Sequence[tuple[UUID, int]]:
    """The workspaces that keep more than this, and by how many; under SYSTEM."""
    count = func.count()
    statement = (
        select(EmbeddingCache.workspace_id, count - most)
        .group_by(EmbeddingCache.workspace_id)
        .having(count > most)
    )
    return [(row[0], row[1]) for row in await session.execute(statement)]


async def prune_oldest(session: AsyncSession, workspace_id: UUID, most: int) -> int:
    """Delete those of a workspace that were not used for longest."""
    oldest = (
        select(*_KEY)
        .where(EmbeddingCache.workspace_id == workspace_id)
        .order_by(EmbeddingCache.used_at)
        .limit(most)
    )
    return await _delete(session, oldest)


async def _delete(session: AsyncSession, chosen: Select[UUID, str, bytes]) -> int:
    gone = delete(EmbeddingCache).where(tuple_(*_KEY).in_(chosen)).returning(EmbeddingCache.sha256)
    return len((await session.scalars(gone)).all())
