"""Queries on the end of accounts."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import column, delete, or_, select, table, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.core.db import table_of
from app.identity.api_keys.models import ApiKey
from app.identity.connections.models import SsoConnection
from app.identity.factors.models import Passkey, RecoveryCode, TotpFactor
from app.identity.invitations.models import Invitation
from app.identity.sso.models import UserIdentity
from app.identity.users.models import User
from app.identity.workspaces.models import Membership, Workspace
from app.identity.workspaces.roles import Role

MOST_NAMED = 5

_OWN_WAYS_IN = (TotpFactor, RecoveryCode, Passkey, UserIdentity)
# Not the model: that domain stands on this one, and is loaded with its first request.
_SCIM_TOKENS = table("scim_tokens", column("workspace_id"), column("revoked_at"))


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


async def lock_owned(session: AsyncSession, user_id: UUID) -> None:
    """Keep who owns a user's workspaces from changing: of two owners one goes first."""
    owned = select(Membership.workspace_id).where(
        Membership.user_id == user_id, Membership.role == Role.OWNER
    )
    await session.execute(
        select(Workspace.id)
        .where(Workspace.id.in_(owned))
        .order_by(Workspace.id)
        .with_for_update(key_share=True)
    )


async def shut_strangers_out(session: AsyncSession, user_id: UUID, at: datetime) -> Sequence[UUID]:
    """End every way back in for who had an account before its address was proved.

    These are its keys, second factors, passkeys and linked accounts elsewhere; and of its personal
    workspace, whose id is returned, all keys and invitations, the directory's and the provider's
    connections, and the places of other people. The session is the system's.
    """
    found = await session.scalars(
        select(Workspace.id)
        .join(Membership, Membership.workspace_id == Workspace.id)
        .where(
            Membership.user_id == user_id,
            Membership.role == Role.OWNER,
            Workspace.kind == "personal",
        )
    )
    home = found.all()
    persons = select(User.id).where(User.kind == "person")
    for statement in (
        *(delete(way).where(way.user_id == user_id) for way in _OWN_WAYS_IN),
        delete(Membership).where(
            Membership.workspace_id.in_(home),
            Membership.user_id != user_id,
            Membership.user_id.in_(persons),
        ),
        update(ApiKey)
        .where(
            or_(ApiKey.user_id == user_id, ApiKey.workspace_id.in_(home)),
            ApiKey.revoked_at.is_(None),
        )
        .values(revoked_at=at),
        *(
            update(each)
            .where(each.c.workspace_id.in_(home), each.c.revoked_at.is_(None))
            .values(revoked_at=at)
            for each in (table_of(Invitation), _SCIM_TOKENS)
        ),
        update(SsoConnection)
        .where(SsoConnection.workspace_id.in_(home), SsoConnection.deleted_at.is_(None))
        .values(deleted_at=at),
    ):
        await session.execute(statement, execution_options={"synchronize_session": False})
    return home


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
