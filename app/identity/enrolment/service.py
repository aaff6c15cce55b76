"""What a person may do with their second factors."""

from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import UUID

from app.core.auth import Access
from app.core.clock import now
from app.core.crypto import Vault
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.core.paging import Cursors, PageQuery, Slice
from app.core.versions import match
from app.identity.enrolment.schemas import (
    PasskeyCreate,
    PasskeyUpdate,
    SecondFactorRead,
    TotpCreated,
)
from app.identity.factors import crud, proofs, recovery, totp
from app.identity.factors import service as factors
from app.identity.factors.errors import (
    NoSecondFactor,
    PasskeyNotFound,
    TooManyPasskeys,
    TotpOff,
    TotpOn,
)
from app.identity.factors.models import Passkey, TotpFactor
from app.identity.factors.relying_party import RelyingParty
from app.identity.sessions import crud as sessions
from app.identity.sessions.service import still_signed_in
from app.identity.trail import note_of_person
from app.identity.users import letters
from app.identity.users import service as users
from app.identity.users.models import User

if TYPE_CHECKING:
    from app.identity.factors.ceremonies import Asked, Made

MOST_PASSKEYS = 25


class Kind(NamedTuple):
    """A kind of second factor, for the trail and for a mail."""

    name: str
    in_words: str


TOTP: Final = Kind("totp", "an authenticator app")
PASSKEY: Final = Kind("passkey", "a passkey")


async def describe(session: AsyncSession, access: Access) -> SecondFactorRead:
    app, _, codes_left = await crud.kinds(session, access.user_id)
    second = await factors.second_factors(session, access.user_id)
    return SecondFactorRead(
        enabled=bool(second),
        methods=list(await factors.methods(session, access.user_id)),
        totp=app,
        passkeys=len(await crud.passkeys(session, access.user_id)),
        recovery_codes_left=codes_left,
    )


async def add_totp(session: AsyncSession, vault: Vault, access: Access) -> TotpCreated:
    """A secret that counts once it is confirmed; an unconfirmed one goes. Raises TotpOn."""
    user = await still_signed_in(session, access)
    known = await crud.lock_totp(session, user.id)
    if known is not None and known.confirmed_at is not None:
        raise TotpOn("Remove it first.")
    if known is not None:
        await crud.delete_totp(session, known)
    secret, factor_id = totp.new_secret(), new_id()
    factor = TotpFactor(
        id=factor_id,
        user_id=user.id,
        sealed_secret=vault.seal(secret, context=proofs.totp_context(factor_id)),
        confirmed_at=None,
        last_step=None,
    )
    await crud.add_totp(session, factor)
    return TotpCreated(secret=secret, otpauth_uri=totp.uri(secret, user.email))


async def confirm_totp(
    session: AsyncSession, vault: Vault, access: Access, code: str
) -> list[str] | None:
    """Let the app count; recovery codes with the first factor. Raises ProofRefused and TotpOff."""
    user = await still_signed_in(session, access)
    factor = await crud.lock_totp(session, user.id)
    if factor is None:
        raise TotpOff("Begin with `POST /v1/me/totp`.")
    if factor.confirmed_at is not None:
        raise TotpOn("It was confirmed before.")
    first = not await factors.second_factors(session, access.user_id)
    proofs.use_totp(vault, factor, code)
    factor.confirmed_at = now()
    await session.flush()
    return await _added(session, access, user, TOTP, factor.id, first=first)


async def remove_totp(session: AsyncSession, access: Access) -> None:
    """Take the authenticator app away, or one that was not confirmed yet; raises TotpOff."""
    user = await still_signed_in(session, access)
    factor = await crud.lock_totp(session, user.id)
    if factor is None:
        raise TotpOff("There is none to remove.")
    await crud.delete_totp(session, factor)
    if factor.confirmed_at is not None:
        await _removed(session, user, TOTP, factor.id)


async def renew_codes(session: AsyncSession, access: Access) -> list[str]:
    """Fresh recovery codes in the place of all others; raises NoSecondFactor."""
    user = await still_signed_in(session, access)
    if not await factors.second_factors(session, user.id):
        raise NoSecondFactor("Recovery codes stand in for an authenticator app or a passkey.")
    codes = await _new_codes(session, user.id)
    await users.write(session, user, letters.recovery_codes_renewed())
    await note_of_person(session, user.id, "recovery_codes.created", "recovery_codes")
    return codes


async def ask_passkey(session: AsyncSession, party: RelyingParty, access: Access) -> "Asked":
    """What a browser needs to make a passkey; raises TooManyPasskeys."""
    user = await users.current(session, access)
    known = await crud.passkeys(session, user.id)
    if len(known) >= MOST_PASSKEYS:
        raise TooManyPasskeys(f"Remove one first: {MOST_PASSKEYS} are the most.")
    from app.identity.factors.ceremonies import ask_to_make  # noqa: PLC0415 - brings webauthn

    return ask_to_make(party, user, known)


async def add_passkey(
    session: AsyncSession, party: RelyingParty, access: Access, new: PasskeyCreate, to_sign: bytes
) -> tuple[Passkey, list[str] | None]:
    """The passkey, and recovery codes with the first factor.

    Raises PasskeyRefused, PasskeyKnown and TooManyPasskeys.
    """
    from app.identity.factors.ceremonies import check_made  # noqa: PLC0415 - brings webauthn

    made = check_made(party, new.credential, to_sign)
    user = await still_signed_in(session, access)
    if len(await crud.passkeys(session, access.user_id)) >= MOST_PASSKEYS:
        raise TooManyPasskeys(f"Remove one first: {MOST_PASSKEYS} are the most.")
    first = not await factors.second_factors(session, access.user_id)
    passkey = await crud.add_passkey(session, _row(access.user_id, new.name, made))
    return passkey, await _added(session, access, user, PASSKEY, passkey.id, first=first)


async def page_passkeys(
    session: AsyncSession, access: Access, query: PageQuery, cursors: Cursors
) -> Slice[Passkey]:
    return await crud.page_passkeys(session, access.user_id, query, cursors)


async def get_passkey(session: AsyncSession, access: Access, passkey_id: UUID) -> Passkey:
    """One of the caller's passkeys; raises PasskeyNotFound."""
    passkey = await crud.get_passkey(session, access.user_id, passkey_id)
    if passkey is None:
        raise PasskeyNotFound
    return passkey


async def rename_passkey(
    session: AsyncSession, access: Access, passkey_id: UUID, change: PasskeyUpdate
) -> Passkey:
    passkey = await get_passkey(session, access, passkey_id)
    await match(session, passkey)
    passkey.name = change.name
    await session.flush()
    return passkey


async def remove_passkey(session: AsyncSession, access: Access, passkey_id: UUID) -> None:
    user = await still_signed_in(session, access)
    passkey = await get_passkey(session, access, passkey_id)
    await match(session, passkey)
    await crud.delete_passkey(session, passkey)
    await _removed(session, user, PASSKEY, passkey_id)


async def _added(
    session: AsyncSession, access: Access, user: User, kind: Kind, factor_id: UUID, *, first: bool
) -> list[str] | None:
    """What comes with a factor: this session has proved it, and the first brings the codes."""
    await sessions.prove(session, access.credential_id, now(), second_factor=True)
    await users.write(session, user, letters.second_factor_added(kind.in_words))
    await _note(session, user, "second_factor.added", kind, factor_id)
    return await _new_codes(session, user.id) if first else None


async def _removed(session: AsyncSession, user: User, kind: Kind, factor_id: UUID) -> None:
    """What goes with a factor: recovery codes stand in for others and never alone."""
    if not await factors.second_factors(session, user.id):
        await crud.replace_codes(session, user.id, ())
    await users.write(session, user, letters.second_factor_removed(kind.in_words))
    await _note(session, user, "second_factor.removed", kind, factor_id)


async def _new_codes(session: AsyncSession, user_id: UUID) -> list[str]:
    codes = recovery.make()
    await crud.replace_codes(session, user_id, (recovery.hash_of(user_id, c) for c in codes))
    return codes


async def _note(
    session: AsyncSession, user: User, action: str, kind: Kind, factor_id: UUID
) -> None:
    await note_of_person(session, user.id, action, "second_factor", factor_id, kind=kind.name)


def _row(user_id: UUID, name: str, made: "Made") -> Passkey:
    return Passkey(
        id=new_id(),
        user_id=user_id,
        name=name,
        credential_id=made.credential_id,
        public_key=made.public_key,
        sign_count=made.sign_count,
        transports=made.transports,
        synced=made.synced,
        last_used_at=None,
    )
