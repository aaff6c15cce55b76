"""Queries on outgoing mail."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.mail.models import OutgoingMail


async def claim(
    session: AsyncSession, at: datetime, *, lease: timedelta, most: int
) -> list[OutgoingMail]:
    """Mails that are due, the longest waiting first; no other process gets them for a lease."""
    found = await session.scalars(
        select(OutgoingMail)
        .where(OutgoingMail.status == "queued", OutgoingMail.due_at <= at)
        .order_by(OutgoingMail.due_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    mails = list(found)
    for mail in mails:
        mail.due_at, mail.attempts = at + lease, mail.attempts + 1
    await session.flush()
    return mails


async def settle(
    session: AsyncSession,
    mail_id: UUID,
    *,
    status: str,
    sent_at: datetime | None = None,
    error: str | None = None,
) -> None:
    """The end of a mail: its body is forgotten."""
    await session.execute(
        update(OutgoingMail)
        .where(OutgoingMail.id == mail_id)
        .values(status=status, sent_at=sent_at, last_error=error, sealed_body=None)
    )


async def put_off(session: AsyncSession, mail_id: UUID, due_at: datetime, error: str) -> None:
    await session.execute(
        update(OutgoingMail)
        .where(OutgoingMail.id == mail_id)
        .values(due_at=due_at, last_error=error)
    )


async def prune(session: AsyncSession, before: datetime) -> None:
    """Forget what came to its end, and was queued before a time; and what is never sent."""
    await session.execute(
        delete(OutgoingMail).where(
            or_(
                OutgoingMail.status == "void",
                OutgoingMail.status.in_(("sent", "failed")) & (OutgoingMail.created_at < before),
            )
        )
    )
