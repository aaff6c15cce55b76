"""What is checked and hashed before a session opens, so that no connection waits for it."""

from dataclasses import dataclass
from uuid import UUID

from app.core.auth import Access
from app.core.db import SYSTEM
from app.core.kernel import Kernel
from app.identity.accounts.schemas import AccountRestore, PasswordChange, PasswordReset
from app.identity.sessions.errors import CredentialsRefused
from app.identity.trail import tell_refusal_soon
from app.identity.users import crud as users
from app.identity.users import one_time, passwords
from app.identity.users.errors import TokenRefused, UserNotFound, WrongCurrentPassword
from app.identity.users.lockouts import Lockouts
from app.identity.users.models import User
from app.identity.users.one_time import Purpose
from app.identity.users.password_rules import check_password
from app.identity.users.standing import tell_lock_soon

FIELD = "/body/new_password"


@dataclass(frozen=True, slots=True)
class ProvedPassword:
    """Whose password was right, the hash that it was checked against, and its better one."""

    user_id: UUID
    checked_hash: str | None
    replacement: str | None


@dataclass(frozen=True, slots=True)
class NewPasswordHash:
    """The hash of a new password that was taken, and what the old one was checked against."""

    password_hash: str
    checked_hash: str | None = None


async def prove(kernel: Kernel, body: AccountRestore, address: str) -> ProvedPassword:
    """Who gives these words; raises CredentialsRefused, as signing in does and at its pace."""
    lockouts = Lockouts(kernel.valkey, kernel.settings)
    verdict = await lockouts.take(body.email, address)
    async with kernel.database.unit(SYSTEM) as session:
        user = await users.find(session, body.email)
    matches, replacement = await passwords.verify(
        body.password.get_secret_value(), user.password_hash if user else None
    )
    if user is None or not matches or verdict.refused:
        if user is not None:
            tell_refusal_soon(kernel, user.id, "account.restore_refused")
            if verdict.locks:
                tell_lock_soon(kernel, user)
        raise CredentialsRefused("Check both and try again.")
    await lockouts.forgive(body.email, address)
    return ProvedPassword(user.id, user.password_hash, replacement)


async def prepare_change(
    kernel: Kernel, access: Access, body: PasswordChange, address: str
) -> NewPasswordHash:
    """The new hash; raises WrongCurrentPassword and PasswordRefused.

    Wrong ones are counted like those of sign-ins: a stolen session is no place to guess.
    """
    async with kernel.database.unit(access.scope) as session:
        user = await users.get(session, access.user_id)
    if user is None:
        raise UserNotFound
    new_password = body.new_password.get_secret_value()
    check_password(new_password, about(user), pointer=FIELD)
    lockouts = Lockouts(kernel.valkey, kernel.settings)
    verdict = await lockouts.take(user.email, address)
    matches, _ = await passwords.verify(
        body.current_password.get_secret_value(), user.password_hash
    )
    if not matches or verdict.refused:
        if verdict.locks:
            tell_lock_soon(kernel, user)
        raise WrongCurrentPassword("Nothing was changed.")
    await lockouts.forgive(user.email, address)
    return NewPasswordHash(await passwords.hashed(new_password), user.password_hash)


async def prepare_reset(kernel: Kernel, body: PasswordReset) -> NewPasswordHash:
    """The new hash; raises TokenRefused and PasswordRefused."""
    async with kernel.database.unit(SYSTEM) as session:
        token = await one_time.peek(session, body.token, Purpose.RESET_PASSWORD)
        user = await users.get(session, token.user_id) if token.user_id else None
    if user is None:
        raise TokenRefused
    new_password = body.new_password.get_secret_value()
    check_password(new_password, about(user), pointer=FIELD)
    return NewPasswordHash(await passwords.hashed(new_password))


def about(user: User) -> tuple[str, str]:
    """What a password of this account must not be made of."""
    return user.email, user.name
