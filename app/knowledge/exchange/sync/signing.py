"""Signatures of bundles: compact JWS (RFC 7515) with ES256, and no other algorithm."""

from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from app.core.crypto import Vault
from app.knowledge.exchange.errors import BundleRefused, PeerInvalid

ALGORITHM: Final = "ES256"
TYPE: Final = "luminous-bundle+jws"
# Of the base point of P-256 (FIPS 186-5): private keys are below it.
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_PUBLIC: Final = ("kty", "crv", "x", "y")


@dataclass(frozen=True, slots=True)
class OwnKey:
    """The key pair that a workspace signs its bundles with; `public_jwk` is its public half."""

    private: ECKey = field(repr=False)
    public_jwk: dict[str, Any]
    thumbprint: str


def own_key(workspace_id: UUID, vault: Vault) -> OwnKey:
    """Derived from the root secret: it outlives the master keys and is kept nowhere."""
    halves = [f"dictionary-bundles/{workspace_id}/{half}" for half in ("high", "low")]
    drawn = b"".join(vault.derived_key(half) for half in halves)
    # Of twice the length that it needs, so that every number is as likely (FIPS 186-5, A.2.1).
    number = int.from_bytes(drawn, "big") % (_ORDER - 1) + 1
    pem = ec.derive_private_key(number, ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    private = ECKey.import_key(pem)
    jwk, thumbprint = pinned(private.as_dict(private=False))
    return OwnKey(private, jwk, thumbprint)


def pinned(jwk: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """A public key as it is kept, and its thumbprint (RFC 7638); raises PeerInvalid."""
    if "d" in jwk:
        raise PeerInvalid("This is a private key: keep it to yourself, and send its public half.")
    try:
        kept = {name: str(jwk[name]) for name in _PUBLIC}
        if (kept["kty"], kept["crv"]) != ("EC", "P-256"):
            raise PeerInvalid("Send an EC key on the curve P-256.")
        return kept, ECKey.import_key({**kept}).thumbprint()
    except (KeyError, ValueError, JoseError):
        raise PeerInvalid("Send a JWK with `kty`, `crv`, `x` and `y`.") from None


def sign(payload: bytes, key: OwnKey) -> str:
    header = {"alg": ALGORITHM, "kid": key.thumbprint, "typ": TYPE}
    return jws.serialize_compact(header, payload, key.private, algorithms=[ALGORITHM])


def key_named(bundle: str) -> str:
    """The thumbprint of the key that a bundle says it is signed with; raises BundleRefused."""
    try:
        header = jws.extract_compact(bundle.encode()).headers()
    except (JoseError, ValueError, KeyError):
        raise BundleRefused("It is no JWS in its compact form.") from None
    # Nothing else: no `crit`, and no key or address of one that the signer would like better.
    named = header.keys() == {"alg", "kid", "typ"}
    if not named or (header["typ"], header["alg"]) != (TYPE, ALGORITHM):
        raise BundleRefused("It is no bundle of a dictionary, signed with ES256.")
    return str(header["kid"])


def opened(bundle: str, jwk: dict[str, Any]) -> bytes:
    """The payload of a bundle that this key has signed; raises BundleRefused."""
    key = ECKey.import_key({**jwk})
    try:
        return bytes(jws.deserialize_compact(bundle, key, algorithms=[ALGORITHM]).payload)
    except (JoseError, ValueError, KeyError):
        raise BundleRefused("Its signature is not the peer's: it was changed, or forged.") from None
