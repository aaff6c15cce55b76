"""Signing in and out."""

from datetime import timedelta
from uuid import UUID

from app.core.auth import Access
from app.core.clock import now
from app.core.config import Settings
from app.core.crypto import Vault
from app.core.db import SYSTEM, AsyncSession
from app.core.errors import Unauthenticated
from app.core.kernel import Kernel
from app.core.paging import Cursors, PageQuery, Slice
from app.identity.factors.methods import Method
from app.identity.sessions import crud, refresh
from app.identity.sessions.errors import (
    CredentialsRefused,
    RefreshTokenInvalid,
    RefreshTokenReused,
    SessionNotFound,
    TokenInvalid,
)
from app.identity.sessions.models import UserSession
from app.identity.sessions.opening import Device, Renewal, SecondFactorNeeded, admit
from app.identity.sessions.places import Places
from app.identity.sessions.schemas import Login, SessionRead
from app.identity.sessions.tokens import Claims
from app.identity.trail import SESSION, note_of_person, tell_refusal_soon
from app.identity.users import crud as users
from app.identity.users import passwords
from app.identity.users.lockouts import Lockouts
from app.identity.users.models import User
from app.identity.users.standing import check_standing, tell_lock_soon


async def sign_in(kernel: Kernel, login: Login, device: Device) -> Renewal | SecondFactorNeeded:
    """A new session, or what the account asks for beside the password; raises CredentialsRefused.

    The password is checked between two short transactions: checks queue for their memory, and a
    queue must not hold connections.
    """
    database, settings = kernel.database, kernel.settings
    lockouts = Lockouts(kernel.valkey, settings)
    verdict = await lockouts.take(login.email, device.address)
    async with database.unit(SYSTEM) as session:
        user = await users.find(session, login.email)
    matches, replacement = await passwords.verify(
        login.password.get_secret_value(), user.password_hash if user else None
    )
    if user is None or not matches or verdict.refused:
        if user is not None:
            tell_refusal_soon(kernel, user.id, "session.refused", method=Method.PASSWORD)
            if verdict.locks:
                tell_lock_soon(kernel, user)
        raise CredentialsRefused("Check both and try again.")
    await lockouts.forgive(login.email, device.address)
    async with database.unit(SYSTEM) as session:
        check_standing(await _confirm(session, user, replacement), settings)
        return await admit(session, settings, user.id, device, login.places, method=Method.PASSWORD)


async def _confirm(session: AsyncSession, checked: User, replacement: str | None) -> User:
    """The account as it is now, with the better hash of its password.

    Raises CredentialsRefused where the password was changed while it was checked.
    """
    user = await users.lock(session, checked.id)
    if user is None or user.password_hash != checked.password_hash:
        raise CredentialsRefused("Check both and try again.")
    if replacement:
        user.password_hash = replacement
    return user


async def still_signed_in(session: AsyncSession, access: Access) -> User:
    """The caller's account, kept from changing until the transaction ends.

    The guard looked before this transaction began; raises TokenInvalid where the session has ended
    since, so that nothing slips in behind a password that is set anew.
    """
    user = await users.lock(session, access.user_id)
    living = await crud.get_living(session, access.user_id, access.credential_id, now())
    if user is None or living is None:
        raise TokenInvalid("Its session has ended; sign in again.")
    return user


async def rotate(
    session: AsyncSession, vault: Vault, settings: Settings, token: str, device: Device
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
    places = Places(access_in_cookie=family.cookie_only)
    following = refresh.successor(vault, token)
    if presented.used_at is None:
        presented.used_at = moment
        lifetime = timedelta(days=settings.refresh_token_days)
        family.expires_at = moment + lifetime
        family.last_used_at, family.address = moment, device.address
        await crud.add_token(session, family.id, refresh.hash_of(following))
        await crud.prune_tokens(session, family.id, moment - lifetime)
        return Renewal(claims, following, places)
    if moment - presented.used_at > refresh.GRACE:
        await _revoke(session, family.user_id, family.id, "refresh_token_reused")
        return RefreshTokenReused("All tokens of this sign-in were revoked; sign in again.")
    living = await _living(session, vault, following)
    return Renewal(claims, living, places) if living else RefreshTokenInvalid("Sign in again.")


async def _living(session: AsyncSession, vault: Vault, token: str) -> str | None:
    """The end of a chain of successors; None where another master key made it."""
    while (row := await crud.get_token(session, refresh.hash_of(token))) is not None:
        if row.used_at is None:
            return token
        token = refresh.successor(vault, token)
    return None


async def end(session: AsyncSession, user_id: UUID, session_id: UUID) -> None:
    await _revoke(session, user_id, session_id, "signed_out")


async def end_by_token(session: AsyncSession, token: str) -> None:
    """Sign out whoever holds this refresh token; raises RefreshTokenInvalid."""
    family = await crud.lock_by_token(session, refresh.hash_of(token))
    if family is None:
        raise RefreshTokenInvalid("Sign in again.")
    await end(session, family.user_id, family.id)


async def end_all(session: AsyncSession, access: Access, *, but_this: bool = False) -> None:
    """Sign the caller out everywhere, or everywhere else."""
    but = access.credential_id if but_this else None
    reason = "signed_out_elsewhere" if but_this else "signed_out_everywhere"
    ended = await crud.revoke_of_user(session, access.user_id, now(), reason, but=but)
    for session_id in ended:
        await _note_revoked(session, access.user_id, session_id, reason)


async def page(
    session: AsyncSession, access: Access, query: PageQuery, cursors: Cursors
) -> Slice[SessionRead]:
    """Where the caller is signed in, the latest sign-in first."""
    rows = await crud.page(session, access.user_id, now(), query, cursors)
    return rows.map(lambda row: _read(row, access))


async def revoke(session: AsyncSession, access: Access, session_id: UUID) -> None:
    """End one of the caller's sessions for good; raises SessionNotFound for an ended one too."""
    if await crud.get_living(session, access.user_id, session_id, now()) is None:
        raise SessionNotFound
    await _revoke(session, access.user_id, session_id, "revoked_by_user")


async def _revoke(session: AsyncSession, user_id: UUID, session_id: UUID, reason: str) -> None:
    if await crud.revoke(session, session_id, now(), reason):
        await _note_revoked(session, user_id, session_id, reason)


async def _note_revoked(
    session: AsyncSession, user_id: UUID, session_id: UUID, reason: str
) -> None:
    await note_of_person(session, user_id, "session.revoked", SESSION, session_id, reason=reason)


def _read(row: UserSession, access: Access) -> SessionRead:
    return SessionRead(
        id=row.id,
        current=row.id == access.credential_id,
        user_agent=row.user_agent,
        address=row.address,
        second_factor=row.second_factor,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        expires_at=row.expires_at,
    )
