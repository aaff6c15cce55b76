"""Queries on SCIM tokens."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.paging import Cursors, Keyset, PageQuery, Slice, fetch_page
from app.identity.scim.models import ScimToken


async def add(session: AsyncSession, token: ScimToken) -> ScimToken:
    session.add(token)
    await session.flush()
    return token


async def get(
    session: AsyncSession, workspace_id: UUID, token_id: UUID, *, for_update: bool = False
) -> ScimToken | None:
    statement = select(ScimToken).where(
        ScimToken.workspace_id == workspace_id, ScimToken.id == token_id
    )
    if for_update:
        statement = statement.with_for_update()
    found: ScimToken | None = await session.scalar(statement)
    return found


async def page(
    session: AsyncSession, workspace_id: UUID, query: PageQuery, cursors: Cursors
) -> Slice[ScimToken]:
    return await fetch_page(
        session,
        select(ScimToken).where(ScimToken.workspace_id == workspace_id),
        Keyset(ScimToken.created_at, ScimToken.id),
        query,
        cursors=cursors,
        workspace_id=workspace_id,
    )


async def find(session: AsyncSession, token_hash: bytes) -> ScimToken | None:
    """A token by its hash; the session is the system's."""
    found: ScimToken | None = await session.scalar(
        select(ScimToken).where(ScimToken.token_hash == token_hash)
    )
    return found


async def mark_used(session: AsyncSession, token_id: UUID, at: datetime) -> None:
    await session.execute(
        update(ScimToken)
        .where(ScimToken.id == token_id)
        .values(last_used_at=at, updated_at=ScimToken.updated_at)
    )
