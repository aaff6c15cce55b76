"""Tokens of invitations and of public links: 256 random bits, kept as a hash alone."""

import hashlib
import secrets

MOST_CHARACTERS = 100


def make() -> tuple[str, bytes]:
    """A fresh token and the hash that is kept of it."""
    token = secrets.token_urlsafe(32)
    return token, hash_of(token)


def hash_of(token: str) -> bytes:
    """So much randomness needs no slow hash."""
    return hashlib.sha256(token.encode()).digest()
