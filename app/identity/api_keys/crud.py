"""Queries on API keys."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.paging import Cursors, Keyset, PageQuery, Slice, fetch_page
from app.identity.api_keys.models import ApiKey
from app.identity.workspaces.models import Membership

USED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Holder:
    """A key and what its user is in its workspace now; None for one who has left."""

    key: ApiKey
    role: str | None


async def get(
    session: AsyncSession, workspace_id: UUID, user_id: UUID, key_id: UUID
) -> ApiKey | None:
    key: ApiKey | None = await session.scalar(
        select(ApiKey).where(
            ApiKey.workspace_id == workspace_id, ApiKey.user_id == user_id, ApiKey.id == key_id
        )
    )
    return key


async def page(
    session: AsyncSession, workspace_id: UUID, user_id: UUID, query: PageQuery, cursors: Cursors
) -> Slice[ApiKey]:
    """A user's keys in a workspace, newest first."""
    return await fetch_page(
        session,
        select(ApiKey).where(ApiKey.workspace_id == workspace_id, ApiKey.user_id == user_id),
        Keyset(ApiKey.created_at, ApiKey.id),
        query,
        cursors=cursors,
        workspace_id=workspace_id,
        within=str(user_id),
    )


async def add(session: AsyncSession, key: ApiKey) -> ApiKey:
    session.add(key)
    await session.flush()
    return key


async def find(session: AsyncSession, secret_hash: bytes) -> Holder | None:
    """A presented key, of whichever workspace."""
    found = await session.execute(
        select(ApiKey, Membership.role)
        .outerjoin(
            Membership,
            and_(
                Membership.workspace_id == ApiKey.workspace_id,
                Membership.user_id == ApiKey.user_id,
            ),
        )
        .where(ApiKey.secret_hash == secret_hash)
    )
    row = found.one_or_none()
    return Holder(row[0], row[1]) if row else None


async def mark_used(session: AsyncSession, workspace_id: UUID, key_id: UUID, at: datetime) -> None:
    """Note that a key was used, unless that was noted within the last minute."""
    await session.execute(
        update(ApiKey)
        .where(
            ApiKey.workspace_id == workspace_id,
            ApiKey.id == key_id,
            or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at <= at - USED_EVERY),
        )
        # Being used is no change of the key.
        .values(last_used_at=at, updated_at=ApiKey.updated_at)
    )
