"""Certificates of erasures: what they say, and how anybody checks the signature offline."""

import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app.core.crypto import Vault

FORMAT = "luminous-erasure-1"


def pseudonym_of(vault: Vault, user_id: UUID) -> str:
    """A name for an erased person that only this installation can draw from their old id."""
    key = vault.derived_key("erasure-subjects")
    return hmac.new(key, user_id.bytes, "sha256").hexdigest()[:32]


def compose(
    *,
    certificate_id: UUID,
    subject: str,
    requested_by: str,
    requested_at: datetime,
    started_at: datetime,
    completed_at: datetime,
    counts: Mapping[str, Mapping[str, Any]],
    key_id: str,
) -> dict[str, Any]:
    """What is certified, as JSON values; nothing in it is about the person."""
    return {
        "format": FORMAT,
        "certificate_id": str(certificate_id),
        "subject": subject,
        "requested_by": requested_by,
        "requested_at": requested_at.isoformat(),
        "started_at": started_at.isoformat(),
        "completed_at": completed_at.isoformat(),
        "places": [{"place": place, **counts[place]} for place in sorted(counts)],
        "left": 0,
        "key_id": key_id,
    }


def message_of(certificate: Mapping[str, Any]) -> bytes:
    """What is signed: the format's name, a zero byte, and JSON with sorted keys and no spaces."""
    return FORMAT.encode() + b"\0" + orjson.dumps(certificate, option=orjson.OPT_SORT_KEYS)


def is_signed(certificate: Mapping[str, Any], signature: bytes, public_key: bytes) -> bool:
    """Whether this key signed this certificate, every value of it."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message_of(certificate))
    except (InvalidSignature, ValueError):
        return False
    return True
