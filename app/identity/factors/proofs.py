"""The check of a second factor: what is right is used up in the caller's transaction."""

from typing import assert_never
from uuid import UUID

from app.core.clock import now
from app.core.crypto import Vault
from app.core.db import AsyncSession
from app.identity.factors import crud, recovery, totp
from app.identity.factors.errors import PasskeyRefused, ProofRefused
from app.identity.factors.models import Passkey, TotpFactor
from app.identity.factors.relying_party import RelyingParty
from app.identity.factors.schemas import PasskeyProof, RecoveryCodeProof, SecondProof, TotpProof

_REFUSAL = "Check it and try again."


async def check(
    session: AsyncSession,
    vault: Vault,
    party: RelyingParty,
    user_id: UUID,
    proof: SecondProof,
    to_sign: bytes,
) -> None:
    """Raise ProofRefused unless this proves that it is the user.

    `to_sign` is what a passkey had to sign. The session must see the user's factors.
    """
    match proof:
        case TotpProof():
            factor = await crud.lock_totp(session, user_id)
            if factor is None or factor.confirmed_at is None:
                raise ProofRefused(_REFUSAL)
            use_totp(vault, factor, proof.code)
        case RecoveryCodeProof():
            code_hash = recovery.hash_of(user_id, proof.code)
            if not await crud.use_code(session, user_id, code_hash, now()):
                raise ProofRefused(_REFUSAL)
        case PasskeyProof():
            passkey = await find_passkey(session, proof.credential)
            if passkey.user_id != user_id:
                raise ProofRefused(_REFUSAL)
            await use_passkey(session, party, passkey, proof.credential, to_sign)
        case _:
            assert_never(proof)


def use_totp(vault: Vault, factor: TotpFactor, code: str) -> None:
    """Take a code of a locked authenticator app, once; raises ProofRefused."""
    secret = vault.open(factor.sealed_secret, context=totp_context(factor.id))
    step = totp.step_of(secret, code, now())
    if step is None or (factor.last_step is not None and step <= factor.last_step):
        raise ProofRefused(_REFUSAL)
    factor.last_step = step


async def owner_of(session: AsyncSession, credential: dict[str, object]) -> UUID:
    """Whose passkey a browser's answer comes from; raises ProofRefused."""
    owner_id = await crud.owner_of(session, _credential_id(credential))
    if owner_id is None:
        raise ProofRefused(_REFUSAL)
    return owner_id


async def find_passkey(session: AsyncSession, credential: dict[str, object]) -> Passkey:
    """The passkey that a browser's answer comes from, locked; raises ProofRefused."""
    passkey = await crud.lock_passkey(session, _credential_id(credential))
    if passkey is None:
        raise ProofRefused(_REFUSAL)
    return passkey


async def use_passkey(
    session: AsyncSession,
    party: RelyingParty,
    passkey: Passkey,
    credential: dict[str, object],
    to_sign: bytes,
    *,
    alone: bool = False,
) -> None:
    """Take a signature; raises ProofRefused.

    `alone`, without a password before it, the authenticator must have verified its user, and name
    the passkey's owner.
    """
    from app.identity.factors import ceremonies  # noqa: PLC0415 - brings webauthn, which few need

    try:
        if alone and ceremonies.user_handle_of(credential) != passkey.user_id.bytes:
            raise ProofRefused(_REFUSAL)
        count = ceremonies.check_signed(party, passkey, credential, to_sign, verified_user=alone)
    except PasskeyRefused:
        raise ProofRefused(_REFUSAL) from None
    await crud.mark_used(session, passkey, count, now())


def totp_context(factor_id: UUID) -> str:
    """The vault context of an authenticator app's secret."""
    return f"totp_factors/{factor_id}"


def _credential_id(credential: dict[str, object]) -> bytes:
    from app.identity.factors import ceremonies  # noqa: PLC0415 - brings webauthn, which few need

    try:
        return ceremonies.credential_id_of(credential)
    except PasskeyRefused:
        raise ProofRefused(_REFUSAL) from None
