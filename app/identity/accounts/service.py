"""What may be done with an account beyond its profile: proof of the address, its password."""

from app.core import mail
from app.core.auth import Access
from app.core.clock import now
from app.core.config import Settings
from app.core.db import AsyncSession, on_commit
from app.core.errors import FieldError, Unprocessable
from app.core.kernel import Kernel
from app.core.versions import match
from app.identity.accounts import crud
from app.identity.accounts.errors import EmailVerifiedAlready
from app.identity.accounts.proofs import NewPasswordHash
from app.identity.forgetting import forget_on_commit
from app.identity.sessions import crud as sessions
from app.identity.sessions.service import still_signed_in
from app.identity.trail import note_of_person
from app.identity.users import crud as users
from app.identity.users import letters, one_time
from app.identity.users.errors import (
    TokenRefused,
    TooMuchMail,
    WrongCurrentPassword,
)
from app.identity.users.lockouts import Lockouts
from app.identity.users.models import AccountToken, User
from app.identity.users.one_time import Purpose
from app.identity.users.service import write
from app.identity.users.standing import USER


async def resend_verification(session: AsyncSession, settings: Settings, access: Access) -> None:
    """Mail another token; raises EmailVerifiedAlready and TooMuchMail."""
    user = await still_signed_in(session, access)
    if user.email_verified_at is not None:
        raise EmailVerifiedAlready
    await _refuse_too_many(session, Purpose.VERIFY_EMAIL, user.email)
    token = await one_time.issue(session, user.id, Purpose.VERIFY_EMAIL, user.email)
    await write(session, user, letters.verify_email(settings.app_url, token))


async def verify_email(session: AsyncSession, token: str) -> User:
    """Take a mailed token as proof of its address; raises TokenRefused and EmailTaken."""
    proof = await one_time.redeem(session, token, Purpose.VERIFY_EMAIL, Purpose.CHANGE_EMAIL)
    user = await _owner(session, proof)
    if proof.purpose == Purpose.CHANGE_EMAIL:
        await _move(session, user, proof.email)
    elif user.email == proof.email:
        user.email_verified_at = user.email_verified_at or now()
        await note_of_person(session, user.id, "account.email_verified", USER, user.id)
    else:
        raise TokenRefused
    await session.flush()
    await session.refresh(user)
    return user


async def _move(session: AsyncSession, user: User, email: str) -> None:
    before = user.email
    user.email, user.email_verified_at = email, now()
    await users.keep_email(session)
    # A token that was mailed to the old address must not open the account any more.
    await one_time.end_all(session, user.id)
    await write(session, user, letters.email_changed(email), to=before)
    await note_of_person(
        session, user.id, "account.email_changed", USER, user.id, before=before, after=email
    )


async def change_email(
    session: AsyncSession, settings: Settings, access: Access, email: str
) -> None:
    """Mail a token to the new address and a warning to the present one; raises TooMuchMail.

    Whether another account has the address is not told here.
    """
    user = await still_signed_in(session, access)
    await match(session, user)
    if email == user.email:
        problem = "is the account's address already"
        raise Unprocessable(
            f"/body/email: {problem}", errors=(FieldError("/body/email", "value_error", problem),)
        )
    await _refuse_too_many(session, Purpose.CHANGE_EMAIL, email)
    taken = await users.find(session, email)
    token = await one_time.issue(session, user.id, Purpose.CHANGE_EMAIL, email)
    letter = letters.change_email(settings.app_url, token)
    await mail.queue(
        session,
        to=email,
        subject=letter.subject,
        text=letter.text,
        user_id=user.id,
        deliver=taken is None,
    )
    await write(session, user, letters.email_change_asked(email))


async def _refuse_too_many(session: AsyncSession, purpose: Purpose, email: str) -> None:
    if await one_time.too_many(session, purpose, email):
        raise TooMuchMail("Look into the spam folder too; ask again in an hour.", retry_after=3600)


async def forget_password(session: AsyncSession, settings: Settings, email: str) -> None:
    """Mail a token to the address if it is a person's; the work is the same if it is not."""
    if await one_time.too_many(session, Purpose.RESET_PASSWORD, email):
        return
    user = await users.find(session, email)
    owner = user.id if user is not None and user.kind == "person" else None
    token = await one_time.issue(session, owner, Purpose.RESET_PASSWORD, email)
    letter = letters.reset_password(settings.app_url, token)
    await mail.queue(
        session,
        to=email,
        subject=letter.subject,
        text=letter.text,
        user_id=owner,
        deliver=owner is not None,
    )


async def reset_password(
    session: AsyncSession, kernel: Kernel, token: str, new: NewPasswordHash
) -> None:
    """Set a password by a mailed token, which ends every session and every lock.

    It proves the address as well. Raises TokenRefused.
    """
    user = await _owner(session, await one_time.redeem(session, token, Purpose.RESET_PASSWORD))
    if user.email_verified_at is None:
        await take_as_proved(session, kernel, user)
    user.password_hash = new.password_hash
    await one_time.end_all(session, user.id)
    await sessions.revoke_of_user(session, user.id, now(), "password_reset")
    await write(session, user, letters.password_changed())
    await note_of_person(session, user.id, "account.password_reset", USER, user.id)
    lockouts, email = Lockouts(kernel.valkey, kernel.settings), user.email
    on_commit(session, lambda: kernel.background.soon("unlock", lambda: lockouts.unlock(email)))


async def take_as_proved(session: AsyncSession, kernel: Kernel, user: User) -> None:
    """Take the address of an account as proved, by its owner and not by who has the account.

    They may be a stranger: every way back in that they left behind ends, but for the password and
    the sessions, which the caller ends.
    """
    home = await crud.shut_strangers_out(session, user.id, now())
    forget_on_commit(session, kernel, user.id, *home)
    user.email_verified_at = now()


async def change_password(session: AsyncSession, access: Access, new: NewPasswordHash) -> None:
    """Set another password and end the caller's other sessions.

    Raises WrongCurrentPassword and TokenInvalid.
    """
    user = await still_signed_in(session, access)
    if user.password_hash != new.checked_hash:
        raise WrongCurrentPassword("It was changed at this moment by another request.")
    user.password_hash = new.password_hash
    await one_time.end_all(session, user.id)
    await sessions.revoke_of_user(
        session, user.id, now(), "password_changed", but=access.credential_id
    )
    await write(session, user, letters.password_changed())
    await note_of_person(session, user.id, "account.password_changed", USER, user.id)


async def _owner(session: AsyncSession, proof: AccountToken) -> User:
    user = await users.lock(session, proof.user_id) if proof.user_id else None
    if user is None:
        raise TokenRefused
    return user
