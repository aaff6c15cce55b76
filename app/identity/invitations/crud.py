"""Queries on invitations."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import now
from app.core.paging import Cursors, Keyset, Slice, fetch_page
from app.identity.invitations.models import Invitation
from app.identity.invitations.schemas import InvitationQuery


def _of(workspace_id: UUID) -> Select[Invitation]:
    return select(Invitation).where(Invitation.workspace_id == workspace_id)


async def get(
    session: AsyncSession, workspace_id: UUID, invitation_id: UUID, *, lock: bool = False
) -> Invitation | None:
    statement = _of(workspace_id).where(Invitation.id == invitation_id)
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    found: Invitation | None = await session.scalar(statement)
    return found


async def by_token(session: AsyncSession, token_hash: bytes) -> Invitation | None:
    """A presented invitation, of whichever workspace, locked: its uses are counted by turns."""
    found: Invitation | None = await session.scalar(
        select(Invitation).where(Invitation.token_hash == token_hash).with_for_update()
    )
    return found


async def page(
    session: AsyncSession, workspace_id: UUID, query: InvitationQuery, cursors: Cursors
) -> Slice[Invitation]:
    """Newest first."""
    statement = _of(workspace_id)
    if query.status is not None:
        statement = statement.where(_has_status(query.status))
    return await fetch_page(
        session,
        statement,
        Keyset(Invitation.created_at, Invitation.id),
        query,
        cursors=cursors,
        workspace_id=workspace_id,
    )


def _has_status(status: str) -> ColumnElement[bool]:
    revoked = Invitation.revoked_at.is_not(None)
    used_up = Invitation.use_count >= Invitation.max_uses
    over = Invitation.expires_at <= now()
    return {
        "revoked": revoked,
        "accepted": ~revoked & used_up,
        "expired": ~revoked & ~used_up & over,
        "pending": ~revoked & ~used_up & ~over,
    }[status]


async def pending(session: AsyncSession, workspace_id: UUID, email: str) -> Invitation | None:
    """The living invitation of an address."""
    found: Invitation | None = await session.scalar(
        _of(workspace_id)
        .where(Invitation.email == email, _has_status("pending"))
        .order_by(Invitation.id)
        .limit(1)
    )
    return found


async def mailed_since(
    session: AsyncSession, workspace_id: UUID, since: datetime, email: str | None = None
) -> int:
    """How many invitations a workspace has mailed since a time: to everyone, or to one address."""
    counted = select(func.count()).where(
        Invitation.workspace_id == workspace_id,
        Invitation.kind == "email",
        Invitation.created_at > since,
    )
    if email is not None:
        counted = counted.where(Invitation.email == email)
    return await session.scalar(counted) or 0


async def add(session: AsyncSession, invitation: Invitation) -> Invitation:
    session.add(invitation)
    await session.flush()
    return invitation


async def forget_ended(session: AsyncSession, before: datetime) -> None:
    """Delete the invitations that expired, or were revoked, before a time."""
    await session.execute(
        delete(Invitation)
        .where(or_(Invitation.expires_at < before, Invitation.revoked_at < before))
        .execution_options(synchronize_session=False)
    )
