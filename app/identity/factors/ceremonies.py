"""The two ceremonies of WebAuthn: a passkey is made, and a passkey signs."""

import binascii
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
import webauthn
from cbor2 import CBORError
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from app.core.log import get_logger
from app.identity.factors.errors import PasskeyRefused
from app.identity.factors.models import Passkey
from app.identity.factors.relying_party import NAME, RelyingParty
from app.identity.users.models import User

log = get_logger(__name__)

T = TypeVar("T")

TIMEOUT_MS = 300_000
TRANSPORTS = frozenset({"ble", "cable", "hybrid", "internal", "nfc", "smart-card", "usb"})
# What the library and those it builds on raise at malformed answers.
_MALFORMED = (
    WebAuthnException, CBORError, InvalidSignature, UnsupportedAlgorithm, binascii.Error,
    struct.error, ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError,
    AssertionError, RecursionError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """What a browser is asked for, as the WebAuthn API takes it, and what it has to sign."""

    options: dict[str, Any]
    challenge: bytes


@dataclass(frozen=True, slots=True)
class Made:
    """A passkey that was just made."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    synced: bool
    transports: list[str]


def ask_to_make(party: RelyingParty, user: User, known: Iterable[Passkey]) -> Asked:
    """Options of `navigator.credentials.create()`: discoverable, no attestation."""
    options = webauthn.generate_registration_options(
        rp_id=party.id,
        rp_name=NAME,
        user_id=user.id.bytes,
        user_name=user.email,
        user_display_name=user.name or user.email,
        timeout=TIMEOUT_MS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.PREFERRED,
        ),
        exclude_credentials=_descriptors(known),
    )
    return Asked(orjson.loads(webauthn.options_to_json(options)), options.challenge)


def check_made(party: RelyingParty, credential: dict[str, Any], challenge: bytes) -> Made:
    """The passkey that a browser made; raises PasskeyRefused."""
    verified = _checked(
        lambda: webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origins_with(_claimed_origin(credential)),
        )
    )
    if credential_id_of(credential) != verified.credential_id:
        raise PasskeyRefused("Its `id` is not the one that the authenticator made.")
    return Made(
        credential_id=verified.credential_id,
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        synced=verified.credential_backed_up,
        transports=_transports(credential),
    )


def ask_to_sign(party: RelyingParty, known: Iterable[Passkey] | None) -> Asked:
    """Options of `navigator.credentials.get()`; None for any passkey of this service.

    Without a name or a password before it, the authenticator must verify its user itself.
    """
    options = webauthn.generate_authentication_options(
        rp_id=party.id,
        timeout=TIMEOUT_MS,
        allow_credentials=_descriptors(known or ()),
        user_verification=UserVerificationRequirement.REQUIRED
        if known is None
        else UserVerificationRequirement.PREFERRED,
    )
    return Asked(orjson.loads(webauthn.options_to_json(options)), options.challenge)


def credential_id_of(credential: dict[str, Any]) -> bytes:
    """Which passkey an answer says it comes from; raises PasskeyRefused."""
    return _checked(lambda: base64url_to_bytes(credential["id"]))


def user_handle_of(credential: dict[str, Any]) -> bytes | None:
    """Whose passkey the authenticator says it is, if it does; raises PasskeyRefused."""
    handle = _checked(lambda: credential["response"].get("userHandle"))
    return _checked(lambda: base64url_to_bytes(handle)) if handle else None


def check_signed(
    party: RelyingParty,
    passkey: Passkey,
    credential: dict[str, Any],
    challenge: bytes,
    *,
    verified_user: bool,
) -> int:
    """The authenticator's new count of signatures.

    Raises PasskeyRefused, also for a count that did not grow: there may be a copy of the passkey.
    """
    found: VerifiedAuthentication = _checked(
        lambda: webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origins_with(_claimed_origin(credential)),
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=verified_user,
        )
    )
    return found.new_sign_count


def _checked(check: Callable[[], T]) -> T:
    try:
        return check()
    except _MALFORMED as error:
        log.info("passkey_refused", reason=repr(error)[:300])
        raise PasskeyRefused("Begin again with a fresh challenge.") from None


def _claimed_origin(credential: dict[str, Any]) -> str:
    told = orjson.loads(base64url_to_bytes(credential["response"]["clientDataJSON"]))
    return str(told["origin"])


def _transports(credential: dict[str, Any]) -> list[str]:
    told = credential["response"].get("transports")
    known = {each for each in told if isinstance(each, str)} if isinstance(told, list) else set()
    return sorted(known & TRANSPORTS)


def _descriptors(passkeys: Iterable[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(id=each.credential_id, transports=None) for each in passkeys
    ]
