"""Queries on sessions, refresh tokens and signing keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.identity.sessions.models import RefreshToken, SigningKey, UserSession
from app.identity.workspaces.models import Membership, Workspace
from app.identity.workspaces.roles import Role


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a living session stands: None, None in a workspace that its user is not in."""

    workspace_id: UUID | None
    role: str | None


async def standing(
    session: AsyncSession,
    session_id: UUID,
    user_id: UUID,
    *,
    workspace_id: UUID | None,
    at: datetime,
) -> Standing | None:
    """The user's place in a workspace (None: the personal one); None for a dead session."""
    chosen = (
        Membership.workspace_id == workspace_id
        if workspace_id is not None
        else and_(Workspace.kind == "personal", Membership.role == Role.OWNER)
    )
    places = (
        select(Membership.workspace_id, Membership.role)
        .join(Workspace, Workspace.id == Membership.workspace_id)
        .where(Membership.user_id == user_id, chosen)
        .order_by(Membership.workspace_id)
        .limit(1)
        .subquery()
    )
    found = await session.execute(
        select(places.c.workspace_id, places.c.role)
        .select_from(UserSession)
        .outerjoin(places, UserSession.user_id == user_id)
        .where(
            UserSession.id == session_id,
            UserSession.user_id == user_id,
            UserSession.revoked_at.is_(None),
            UserSession.expires_at > at,
        )
    )
    row = found.one_or_none()
    return Standing(row[0], row[1]) if row else None


async def add(session: AsyncSession, new: UserSession, token_hash: bytes) -> UserSession:
    """Store a session together with its first refresh token."""
    session.add(new)
    await session.flush()
    await add_token(session, new.id, token_hash)
    return new


async def add_token(session: AsyncSession, session_id: UUID, token_hash: bytes) -> None:
    session.add(RefreshToken(session_id=session_id, token_hash=token_hash, used_at=None))
    await session.flush()


async def lock_by_token(session: AsyncSession, token_hash: bytes) -> UserSession | None:
    """The session of a refresh token, locked, so that its rotations take turns."""
    family = select(RefreshToken.session_id).where(RefreshToken.token_hash == token_hash)
    found: UserSession | None = await session.scalar(
        select(UserSession).where(UserSession.id == family.scalar_subquery()).with_for_update()
    )
    return found


async def get_token(session: AsyncSession, token_hash: bytes) -> RefreshToken | None:
    token: RefreshToken | None = await session.scalar(
        select(RefreshToken).where(RefreshToken.token_hash == token_hash)
    )
    return token


async def prune_tokens(session: AsyncSession, session_id: UUID, before: datetime) -> None:
    """Forget tokens that were used before a time."""
    await session.execute(
        delete(RefreshToken).where(
            RefreshToken.session_id == session_id, RefreshToken.used_at < before
        )
    )


async def revoke(session: AsyncSession, session_id: UUID, at: datetime, reason: str) -> None:
    await session.execute(
        update(UserSession)
        .where(UserSession.id == session_id, UserSession.revoked_at.is_(None))
        .values(revoked_at=at, revoked_reason=reason)
    )


async def revoke_of_user(
    session: AsyncSession,
    user_id: UUID,
    at: datetime,
    reason: str,
    *,
    but: UUID | None = None,
) -> None:
    """End every session of a user, or every one but one."""
    statement = update(UserSession).where(
        UserSession.user_id == user_id, UserSession.revoked_at.is_(None)
    )
    if but is not None:
        statement = statement.where(UserSession.id != but)
    await session.execute(statement.values(revoked_at=at, revoked_reason=reason))


async def signing_keys(session: AsyncSession, retired_after: datetime) -> Sequence[SigningKey]:
    """Keys in use, and those retired so lately that their tokens may still live; newest first."""
    found = await session.scalars(
        select(SigningKey)
        .where(or_(SigningKey.retired_at.is_(None), SigningKey.retired_at > retired_after))
        .order_by(SigningKey.id.desc())
    )
    return found.all()


async def lock_signing_keys(session: AsyncSession) -> None:
    """Let processes that start together take turns at making the first key."""
    await session.execute(select(func.pg_advisory_xact_lock(7224318607)))


async def add_signing_key(session: AsyncSession, key: SigningKey) -> SigningKey:
    session.add(key)
    await session.flush()
    return key
