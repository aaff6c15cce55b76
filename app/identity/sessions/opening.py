"""Opening a session, once a person has proved who they are: by whichever way in."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from app.core.clock import now
from app.core.config import Settings
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.identity.connections import rules as connections
from app.identity.factors import service as factors
from app.identity.factors.methods import Method
from app.identity.sessions import crud, refresh
from app.identity.sessions.models import UserSession
from app.identity.sessions.places import Places
from app.identity.sessions.tokens import Claims
from app.identity.trail import SESSION, note_of_person
from app.identity.users import crud as users

SSO: Final = "sso"  # the method of who came through another service
MOST_LIVING: Final = 100
USER_AGENT_LETTERS: Final = 400


@dataclass(frozen=True, slots=True)
class Device:
    """Where a sign-in comes from, for the person's own list of sessions."""

    user_agent: str
    address: str


@dataclass(frozen=True, slots=True)
class Renewal:
    """What a sign-in or a refresh gives: whom the access token is for, and the refresh token."""

    claims: Claims
    refresh_token: str
    places: Places


@dataclass(frozen=True, slots=True)
class SecondFactorNeeded:
    """The first proof was right, and the account asks for one of these beside it.

    It is good while the account's password is the one of the mark.
    """

    user_id: UUID
    methods: tuple[Method, ...]
    places: Places
    password_mark: str


async def admit(
    session: AsyncSession,
    settings: Settings,
    user_id: UUID,
    device: Device,
    places: Places,
    *,
    method: str,
) -> Renewal | SecondFactorNeeded:
    """A session for who gave the first proof, unless the account asks for a second.

    Raises SsoRequired where the person's organisation asks for its own way in.
    """
    second = await factors.second_factors(session, user_id)
    if method != SSO:
        await connections.allow_own_way(session, user_id, second_factor=bool(second))
    if second:
        return SecondFactorNeeded(user_id, second, places, await _password_mark(session, user_id))
    return await open_session(session, settings, user_id, device, places, method=method)


async def _password_mark(session: AsyncSession, user_id: UUID) -> str:
    user = await users.get(session, user_id)
    return mark_of(user.password_hash if user else None)


def mark_of(password_hash: str | None) -> str:
    """Tells one password of an account from another, and nothing of either."""
    return hashlib.sha256((password_hash or "").encode()).hexdigest()


async def open_session(
    session: AsyncSession,
    settings: Settings,
    user_id: UUID,
    device: Device,
    places: Places,
    *,
    method: str,
    second_factor: bool = False,
) -> Renewal:
    """A session for who has proved everything; the longest unused one ends beyond a hundred.

    `method` is what was proved last, for the audit trail.
    """
    moment = now()
    token = refresh.first()
    new = UserSession(
        id=new_id(),
        user_id=user_id,
        created_at=moment,
        authenticated_at=moment,
        last_used_at=moment,
        second_factor=second_factor,
        cookie_only=places.access_in_cookie,
        expires_at=moment + timedelta(days=settings.refresh_token_days),
        revoked_at=None,
        revoked_reason=None,
        user_agent=device.user_agent[:USER_AGENT_LETTERS],
        address=device.address,
    )
    await crud.add(session, new, refresh.hash_of(token))
    await crud.revoke_oldest(session, user_id, moment, "too_many_sessions", keep=MOST_LIVING)
    await note_of_person(session, user_id, "session.created", SESSION, new.id, method=method)
    return Renewal(Claims(user_id, new.id), token, places)
