"""Queries on the end of accounts."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.identity.api_keys.models import ApiKey
from app.identity.users.models import User
from app.identity.workspaces.models import Membership, Workspace
from app.identity.workspaces.roles import Role

MOST_NAMED = 5


async def left_alone(session: AsyncSession, user_id: UUID) -> Sequence[str]:
    """The names of team workspaces that others are in and nobody else owns; five at most.

    The session is the system's.
    """
    other = aliased(Membership)
    others = (
        select(other.id)
        .join(User, User.id == other.user_id)
        .where(
            other.workspace_id == Workspace.id,
            other.user_id != user_id,
            User.kind == "person",
            User.status == "active",
        )
    )
    owners = others.where(other.role == Role.OWNER, other.suspended_at.is_(None))
    found = await session.scalars(
        select(Workspace.name)
        .join(Membership, Membership.workspace_id == Workspace.id)
        .where(
            Membership.user_id == user_id,
            Membership.role == Role.OWNER,
            Workspace.kind == "team",
            Workspace.deleted_at.is_(None),
            others.exists(),
            ~owners.exists(),
        )
        .order_by(Workspace.id)
        .limit(MOST_NAMED)
    )
    return found.all()


async def revoke_keys(session: AsyncSession, user_id: UUID, at: datetime) -> None:
    """End every API key of an account, in whichever workspace."""
    await session.execute(
        update(ApiKey)
        .where(ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=at)
        .execution_options(synchronize_session=False)
    )


async def lock_unrestorable(session: AsyncSession, before: datetime, most: int) -> Sequence[User]:
    """Accounts that were deleted before a time, the first deleted ones first."""
    found = await session.scalars(
        select(User)
        .where(User.status == "deleted", User.deleted_at < before)
        .order_by(User.deleted_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    return found.all()
