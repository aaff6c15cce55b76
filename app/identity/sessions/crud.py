"""Queries on sessions, refresh tokens and signing keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    delete,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.paging import Cursors, Keyset, PageQuery, Slice, fetch_page
from app.identity.sessions.models import RefreshToken, SigningKey, UserSession
from app.identity.users.models import User
from app.identity.workspaces.models import ROLE_OF_MEMBER, CustomRole, Membership, Workspace
from app.identity.workspaces.roles import Role


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a living session stands: no place in a workspace that its user is not in."""

    account_status: str
    authenticated_at: datetime
    second_factor: bool
    workspace_id: UUID | None
    role: str | None
    custom_permissions: list[str] | None
    suspended_at: datetime | None


def _standing(chosen: ColumnElement[bool]) -> Select[tuple[Any, ...]]:
    places = (
        select(
            Membership.workspace_id,
            Membership.role,
            CustomRole.permissions,
            Membership.suspended_at,
        )
        .join(Workspace, Workspace.id == Membership.workspace_id)
        .outerjoin(CustomRole, ROLE_OF_MEMBER)
        .where(Membership.user_id == bindparam("user_id"), Workspace.deleted_at.is_(None), chosen)
        .order_by(Membership.workspace_id)
        .limit(1)
        .subquery()
    )
    return (
        select(
            User.status,
            UserSession.authenticated_at,
            UserSession.second_factor,
            places.c.workspace_id,
            places.c.role,
            places.c.permissions,
            places.c.suspended_at,
        )
        .select_from(UserSession)
        .join(User, User.id == UserSession.user_id)
        .outerjoin(places, UserSession.user_id == bindparam("user_id"))
        .where(
            UserSession.id == bindparam("session_id"),
            UserSession.user_id == bindparam("user_id"),
            UserSession.revoked_at.is_(None),
            UserSession.expires_at > bindparam("at"),
        )
    )


# Of nearly every request, and built once: building one takes as long as asking it.
_IN_PERSONAL: Final = _standing(and_(Workspace.kind == "personal", Membership.role == Role.OWNER))
_IN_CHOSEN: Final = _standing(Membership.workspace_id == bindparam("workspace_id"))


async def standing(
    session: AsyncSession,
    session_id: UUID,
    user_id: UUID,
    *,
    workspace_id: UUID | None,
    at: datetime,
) -> Standing | None:
    """The user's place in a workspace (None: the personal one); None for a dead session."""
    said: dict[str, Any] = {"session_id": session_id, "user_id": user_id, "at": at}
    if workspace_id is None:
        found = await session.execute(_IN_PERSONAL, said)
    else:
        found = await session.execute(_IN_CHOSEN, said | {"workspace_id": workspace_id})
    row = found.one_or_none()
    return Standing(*row) if row else None


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


async def page(
    session: AsyncSession, user_id: UUID, at: datetime, query: PageQuery, cursors: Cursors
) -> Slice[UserSession]:
    """A user's living sessions, the latest sign-in first."""
    return await fetch_page(
        session,
        select(UserSession).where(*_living(user_id, at)),
        Keyset(UserSession.created_at, UserSession.id),
        query,
        cursors=cursors,
        workspace_id=user_id,
    )


async def get_living(
    session: AsyncSession, user_id: UUID, session_id: UUID, at: datetime
) -> UserSession | None:
    found: UserSession | None = await session.scalar(
        select(UserSession).where(UserSession.id == session_id, *_living(user_id, at))
    )
    return found


async def prove(
    session: AsyncSession, session_id: UUID, at: datetime, *, second_factor: bool
) -> None:
    """Note that a session's person has proved who they are; what was proved before stays."""
    await session.execute(
        update(UserSession)
        .where(UserSession.id == session_id)
        .values(
            authenticated_at=at,
            second_factor=or_(UserSession.second_factor, literal(second_factor)),
        )
    )


async def revoke(session: AsyncSession, session_id: UUID, at: datetime, reason: str) -> bool:
    """End a session; False where it had ended before."""
    ended = await session.scalar(
        update(UserSession)
        .where(UserSession.id == session_id, UserSession.revoked_at.is_(None))
        .values(revoked_at=at, revoked_reason=reason)
        .returning(UserSession.id)
    )
    return ended is not None


async def revoke_of_user(
    session: AsyncSession,
    user_id: UUID,
    at: datetime,
    reason: str,
    *,
    but: UUID | None = None,
    all_factors: bool = True,
) -> Sequence[UUID]:
    """End every session of a user, or every one but one; the ids of those that lived.

    Without `all_factors` those live on that took a second factor.
    """
    statement = update(UserSession).where(*_living(user_id, at))
    if not all_factors:
        statement = statement.where(UserSession.second_factor.is_(False))
    if but is not None:
        statement = statement.where(UserSession.id != but)
    ended = await session.scalars(
        statement.values(revoked_at=at, revoked_reason=reason).returning(UserSession.id)
    )
    return ended.all()


async def revoke_oldest(
    session: AsyncSession, user_id: UUID, at: datetime, reason: str, *, keep: int
) -> None:
    """End what a user has beyond `keep` living sessions, the longest unused first."""
    beyond = (
        select(UserSession.id)
        .where(*_living(user_id, at))
        .order_by(UserSession.last_used_at.desc(), UserSession.id.desc())
        .offset(keep)
    )
    await session.execute(
        update(UserSession)
        .where(UserSession.id.in_(beyond))
        .values(revoked_at=at, revoked_reason=reason)
    )


async def delete_dead(session: AsyncSession, before: datetime, most: int) -> int:
    """Delete sessions that ended before a time, with their tokens; the number of them."""
    dead = (
        select(UserSession.id)
        .where(or_(UserSession.expires_at < before, UserSession.revoked_at < before))
        .limit(most)
    )
    gone = await session.scalars(
        delete(UserSession).where(UserSession.id.in_(dead)).returning(UserSession.id)
    )
    return len(gone.all())


def _living(user_id: UUID, at: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        UserSession.user_id == user_id,
        UserSession.revoked_at.is_(None),
        UserSession.expires_at > at,
    )


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
