"""Exports in Postgres."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CursorResult, and_, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.paging import Cursors, Keyset, PageQuery, Slice, fetch_page
from app.oversight.privacy.exports.errors import ExportUnderWay
from app.oversight.privacy.exports.models import PrivacyExport
from app.oversight.privacy.lease import LEASE, LeaseLost


async def get(session: AsyncSession, user_id: UUID, export_id: UUID) -> PrivacyExport | None:
    found: PrivacyExport | None = await session.scalar(
        select(PrivacyExport).where(PrivacyExport.user_id == user_id, PrivacyExport.id == export_id)
    )
    return found


async def page(
    session: AsyncSession, user_id: UUID, query: PageQuery, cursors: Cursors
) -> Slice[PrivacyExport]:
    """A person's exports, newest first, whichever workspace they were asked for in."""
    return await fetch_page(
        session,
        select(PrivacyExport).where(PrivacyExport.user_id == user_id),
        Keyset(PrivacyExport.created_at, PrivacyExport.id),
        query,
        cursors=cursors,
        workspace_id=user_id,
    )


async def add(session: AsyncSession, export: PrivacyExport) -> PrivacyExport:
    """Store an export; raises ExportUnderWay beside an unfinished one."""
    session.add(export)
    try:
        await session.flush()
    except IntegrityError as error:
        raise ExportUnderWay("Wait for its end; its state is in the list.") from error
    return export


async def claim(session: AsyncSession, at: datetime) -> PrivacyExport | None:
    """Take the oldest export that nobody alive is making."""
    row = PrivacyExport
    found: PrivacyExport | None = await session.scalar(
        select(row)
        .where(or_(row.status == "queued", and_(row.status == "running", row.leased_until <= at)))
        .order_by(row.created_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if found is not None:
        found.status, found.attempt = "running", found.attempt + 1
        found.leased_until = at + LEASE
        await session.flush()
    return found


async def change(session: AsyncSession, export: PrivacyExport, **values: Any) -> None:
    """Change an export that is still this process's; raises LeaseLost."""
    result: CursorResult[Any] = await session.execute(  # type: ignore[assignment]
        update(PrivacyExport)
        .where(
            PrivacyExport.id == export.id,
            PrivacyExport.status == "running",
            PrivacyExport.attempt == export.attempt,
        )
        .values(**values)
    )
    if result.rowcount != 1:
        raise LeaseLost


async def expire(session: AsyncSession, at: datetime) -> None:
    await session.execute(
        update(PrivacyExport)
        .where(PrivacyExport.status == "ready", PrivacyExport.expires_at <= at)
        .values(status="expired")
    )


async def wanted(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, tuple[str, int]]:
    """Of these exports those whose files are needed: status and attempt."""
    rows = await session.execute(
        select(PrivacyExport.id, PrivacyExport.status, PrivacyExport.attempt).where(
            PrivacyExport.id.in_(ids), PrivacyExport.status.in_(("running", "ready"))
        )
    )
    return {row[0]: (row[1], row[2]) for row in rows}
