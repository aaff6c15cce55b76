"""The form of an API key: `lum_live_`, thirty random characters, six of checksum.

The checksum refuses a mistyped or made-up key before anything is looked up. It is no secret.
"""

import hashlib
import re
import secrets
import string
import zlib

PREFIX = "lum_live_"

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_FORM = re.compile(PREFIX + r"([0-9A-Za-z]{30})([0-9A-Za-z]{6})")


def make() -> str:
    """A fresh key; 178 bits of it are random."""
    body = "".join(secrets.choice(_ALPHABET) for _ in range(30))
    return PREFIX + body + _checksum(body)


def well_formed(key: str) -> bool:
    found = _FORM.fullmatch(key)
    return found is not None and _checksum(found[1]) == found[2]


def hash_of(key: str) -> bytes:
    """What is kept of a key. So much randomness needs no slow hash."""
    return hashlib.sha256(key.encode()).digest()


def _checksum(body: str) -> str:
    value, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        value, digit = divmod(value, 62)
        digits = _ALPHABET[digit] + digits
    return digits
