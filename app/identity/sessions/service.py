"""Signing in and out."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from app.core.auth import Access
from app.core.clock import now
from app.core.config import Settings
from app.core.crypto import Vault
from app.core.db import SYSTEM, AsyncSession, Database
from app.core.errors import FieldError, Unauthenticated, Unprocessable
from app.core.ids import new_id
from app.identity.sessions import crud, refresh
from app.identity.sessions.errors import (
    CredentialsRefused,
    RefreshTokenInvalid,
    RefreshTokenReused,
)
from app.identity.sessions.models import UserSession
from app.identity.sessions.schemas import Login, PasswordChange
from app.identity.sessions.tokens import Claims
from app.identity.users import crud as users
from app.identity.users import passwords
from app.identity.users.errors import WrongCurrentPassword
from app.identity.users.models import User
from app.identity.users.schemas import same_words
from app.identity.users.service import current


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


async def sign_in(database: Database, settings: Settings, login: Login, device: Device) -> Renewal:
    """A new session; raises CredentialsRefused.

    The password is checked between two short transactions: checks queue for their memory, and a
    queue must not hold connections.
    """
    async with database.unit(SYSTEM) as session:
        user = await users.find(session, login.email)
    matches, replacement = await passwords.verify(
        login.password.get_secret_value(), user.password_hash if user else None
    )
    if user is None or not matches:
        raise CredentialsRefused("Check both and try again.")
    token = refresh.first()
    new = UserSession(
        id=new_id(),
        user_id=user.id,
        expires_at=now() + timedelta(days=settings.refresh_token_days),
        revoked_at=None,
        revoked_reason=None,
        user_agent=device.user_agent[:400],
        address=device.address,
    )
    async with database.unit(SYSTEM) as session:
        await _confirm(session, user, replacement)
        await crud.add(session, new, refresh.hash_of(token))
    return Renewal(Claims(user.id, new.id), token)


async def _confirm(session: AsyncSession, checked: User, replacement: str | None) -> None:
    """Refuse a password that was changed while it was checked; else store its better hash."""
    user = await users.lock(session, checked.id)
    if user is None or user.password_hash != checked.password_hash:
        raise CredentialsRefused("Check both and try again.")
    if replacement:
        user.password_hash = replacement


async def rotate(
    session: AsyncSession, vault: Vault, settings: Settings, token: str
) -> Renewal | Unauthenticated:
    """The successor of a refresh token, or the refusal.

    A refusal is returned and not raised, because what comes with it (the end of a family whose
    token was used twice) must be committed.
    """
    moment = now()
    family = await crud.lock_by_token(session, refresh.hash_of(token))
    if family is None or family.revoked_at is not None or family.expires_at <= moment:
        return RefreshTokenInvalid("Sign in again.")
    presented = await crud.get_token(session, refresh.hash_of(token))
    if presented is None:
        return RefreshTokenInvalid("Sign in again.")
    claims = Claims(family.user_id, family.id)
    following = refresh.successor(vault, token)
    if presented.used_at is None:
        presented.used_at = moment
        lifetime = timedelta(days=settings.refresh_token_days)
        family.expires_at = moment + lifetime
        await crud.add_token(session, family.id, refresh.hash_of(following))
        await crud.prune_tokens(session, family.id, moment - lifetime)
        return Renewal(claims, following)
    if moment - presented.used_at > refresh.GRACE:
        await crud.revoke(session, family.id, moment, "refresh_token_reused")
        return RefreshTokenReused("All tokens of this sign-in were revoked; sign in again.")
    living = await _living(session, vault, following)
    return Renewal(claims, living) if living else RefreshTokenInvalid("Sign in again.")


async def _living(session: AsyncSession, vault: Vault, token: str) -> str | None:
    """The end of a chain of successors; None where another master key made it."""
    while (row := await crud.get_token(session, refresh.hash_of(token))) is not None:
        if row.used_at is None:
            return token
        token = refresh.successor(vault, token)
    return None


async def end(session: AsyncSession, session_id: UUID) -> None:
    await crud.revoke(session, session_id, now(), "signed_out")


async def end_by_token(session: AsyncSession, token: str) -> None:
    """Sign out whoever holds this refresh token; raises RefreshTokenInvalid."""
    family = await crud.lock_by_token(session, refresh.hash_of(token))
    if family is None:
        raise RefreshTokenInvalid("Sign in again.")
    await end(session, family.id)


async def end_all(session: AsyncSession, access: Access) -> None:
    """Sign the caller out everywhere."""
    await crud.revoke_of_user(session, access.user_id, now(), "signed_out_everywhere")


async def change_password(database: Database, access: Access, change: PasswordChange) -> None:
    """Set another password and end the caller's other sessions; raises WrongCurrentPassword."""
    new_password = change.new_password.get_secret_value()
    async with database.unit(access.scope) as session:
        user = await current(session, access)
    if same_words(new_password, user.email):
        problem = "must not be the e-mail address"
        raise Unprocessable(
            f"/body/new_password: {problem}",
            errors=(FieldError("/body/new_password", "value_error", problem),),
        )
    matches, _ = await passwords.verify(
        change.current_password.get_secret_value(), user.password_hash
    )
    if not matches:
        raise WrongCurrentPassword("Nothing was changed.")
    password_hash = await passwords.hashed(new_password)
    async with database.unit(access.scope) as session:
        stored = await users.lock(session, user.id)
        if stored is None or stored.password_hash != user.password_hash:
            raise WrongCurrentPassword("It was changed at this moment by another request.")
        stored.password_hash = password_hash
        await crud.revoke_of_user(
            session, user.id, now(), "password_changed", but=access.credential_id
        )
