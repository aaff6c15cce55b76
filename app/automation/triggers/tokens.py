"""Tokens in the addresses of webhooks and forms: which trigger, and a proof that we made it."""

import base64
import binascii
import hmac
from typing import Final
from uuid import UUID

from app.core.crypto import Vault

_PURPOSE: Final = "workflow-hooks"
_ID_BYTES: Final = 16
_PROOF_BYTES: Final = 16
LENGTH: Final = 43


def make(vault: Vault, trigger_id: UUID, number: int) -> str:
    """The token of a trigger's address; another `number` makes another one."""
    raw = trigger_id.bytes + _proof(vault, trigger_id, number)
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def trigger_of(token: str) -> UUID | None:
    """The trigger that a token names; whether it is good, `is_good` says."""
    if len(token) != LENGTH:
        return None
    try:
        # What is no base64 is passed over there, and leaves fewer bytes.
        return UUID(bytes=base64.urlsafe_b64decode(token + "=")[:_ID_BYTES])
    except (binascii.Error, ValueError):
        return None


def is_good(vault: Vault, token: str, trigger_id: UUID, number: int) -> bool:
    """Told in a time that says nothing of where a wrong one differs."""
    return hmac.compare_digest(token.encode(), make(vault, trigger_id, number).encode())


def _proof(vault: Vault, trigger_id: UUID, number: int) -> bytes:
    signed = trigger_id.bytes + number.to_bytes(8, "big")
    return hmac.digest(vault.derived_key(_PURPOSE), signed, "sha256")[:_PROOF_BYTES]
