"""Erasures in Postgres."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.paging import Cursors, Keyset, PageQuery, Slice, fetch_page
from app.oversight.privacy.erasures.models import PrivacyErasure
from app.oversight.privacy.lease import LEASE, LeaseLost
from app.oversight.privacy.stores import Action

PENDING = ("waiting", "blocked")


async def get(session: AsyncSession, user_id: UUID, erasure_id: UUID) -> PrivacyErasure | None:
    found: PrivacyErasure | None = await session.scalar(
        select(PrivacyErasure)
        .where(PrivacyErasure.user_id == user_id, PrivacyErasure.id == erasure_id)
        .with_for_update()
    )
    return found


async def unfinished(session: AsyncSession, user_id: UUID) -> PrivacyErasure | None:
    found: PrivacyErasure | None = await session.scalar(
        select(PrivacyErasure).where(
            PrivacyErasure.user_id == user_id, PrivacyErasure.status.in_((*PENDING, "running"))
        )
    )
    return found


async def certified(session: AsyncSession, certificate_id: UUID) -> PrivacyErasure | None:
    found: PrivacyErasure | None = await session.scalar(
        select(PrivacyErasure).where(PrivacyErasure.certificate_id == certificate_id)
    )
    return found


async def page(
    session: AsyncSession, user_id: UUID, query: PageQuery, cursors: Cursors
) -> Slice[PrivacyErasure]:
    """A person's erasures, newest first."""
    return await fetch_page(
        session,
        select(PrivacyErasure).where(PrivacyErasure.user_id == user_id),
        Keyset(PrivacyErasure.created_at, PrivacyErasure.id),
        query,
        cursors=cursors,
        workspace_id=user_id,
    )


async def add(session: AsyncSession, erasure: PrivacyErasure) -> PrivacyErasure:
    session.add(erasure)
    await session.flush()
    return erasure


async def claim(session: AsyncSession, at: datetime) -> PrivacyErasure | None:
    """Take the oldest erasure that is due, or that a process died over."""
    row = PrivacyErasure
    found: PrivacyErasure | None = await session.scalar(
        select(row)
        .where(
            or_(
                and_(row.status.in_(PENDING), row.due_at <= at),
                and_(row.status == "running", row.leased_until <= at),
            )
        )
        .order_by(row.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return found


async def lock(session: AsyncSession, erasure: PrivacyErasure) -> PrivacyErasure:
    """The row as it is now, if it is still this process's; raises LeaseLost."""
    found: PrivacyErasure | None = await session.scalar(
        select(PrivacyErasure)
        .where(
            PrivacyErasure.id == erasure.id,
            PrivacyErasure.status == "running",
            PrivacyErasure.attempt == erasure.attempt,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise LeaseLost
    return found


async def tally(
    session: AsyncSession,
    erasure: PrivacyErasure,
    place: str,
    action: Action,
    number: int,
    *,
    reason: str,
    at: datetime,
) -> None:
    """Add to the counts of an erasure, and renew its lease; raises LeaseLost."""
    row = await lock(session, erasure)
    entry: dict[str, Any] = dict(row.counts.get(place, {}))
    entry[action] = number if action == "kept" else entry.get(action, 0) + number
    if reason:
        entry["reason"] = reason
    row.counts = {**row.counts, place: entry}
    row.leased_until = at + LEASE
    await session.flush()


async def change(session: AsyncSession, erasure: PrivacyErasure, **values: Any) -> None:
    """Change an erasure that is still this process's; raises LeaseLost."""
    row = await lock(session, erasure)
    for name, value in values.items():
        setattr(row, name, value)
    await session.flush()


async def forget(session: AsyncSession, user_id: UUID) -> None:
    """Take a person's id out of every erasure."""
    await session.execute(
        update(PrivacyErasure).where(PrivacyErasure.user_id == user_id).values(user_id=None)
    )
