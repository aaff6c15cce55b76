"""Refresh tokens: opaque, 256 bits, and each one's successor follows from it.

A successor is an HMAC of its predecessor under a key of the vault. So two tabs that present one
token within the grace get the same successor, whichever answer lands last, and a session has one
living token at any time without anything but hashes at rest.
"""

import base64
import hashlib
import hmac
import secrets
from datetime import timedelta

from app.core.crypto import Vault

GRACE = timedelta(seconds=10)


def first() -> str:
    return secrets.token_urlsafe(32)


def successor(vault: Vault, token: str) -> str:
    key = vault.derived_key("refresh-token-successor")
    digest = hmac.new(key, token.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def hash_of(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
