"""What steps gave, kept in Postgres to be taken again."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.automation.engine.models import StepCache
from app.core.clock import now


async def get(session: AsyncSession, workspace_id: UUID, key: str) -> dict[str, Any] | None:
    return await session.scalar(
        select(StepCache.given).where(
            StepCache.workspace_id == workspace_id,
            StepCache.key == key,
            StepCache.expires_at > now(),
        )
    )


async def keep(session: AsyncSession, values: Mapping[str, Any]) -> None:
    statement = insert(StepCache).values(**values)
    fresh = {name: statement.excluded[name] for name in ("given", "expires_at", "user_id")}
    await session.execute(
        statement.on_conflict_do_update(index_elements=["workspace_id", "key"], set_=fresh)
    )


async def purge(session: AsyncSession) -> None:
    """Drop what has expired (SYSTEM scope)."""
    await session.execute(delete(StepCache).where(StepCache.expires_at <= now()))
