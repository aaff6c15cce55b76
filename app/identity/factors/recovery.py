"""Recovery codes: ten at a time, 80 random bits each, so that a plain hash keeps them."""

import hashlib
import secrets
from typing import Final
from uuid import UUID

COUNT: Final = 10
_LETTERS: Final = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: nothing looks like another
_LOOKALIKES: Final = str.maketrans("oil", "011", " -")


def make() -> list[str]:
    """Fresh codes, as they are shown: `x7k2-9mqp-4rtv-0bcd`."""
    return [_make() for _ in range(COUNT)]


def _make() -> str:
    letters = "".join(secrets.choice(_LETTERS) for _ in range(16))
    return "-".join(letters[at : at + 4] for at in range(0, 16, 4))


def hash_of(user_id: UUID, code: str) -> bytes:
    """The hash of a code as a person may type it: in capitals, with spaces, `o` for `0`."""
    plain = code.lower().translate(_LOOKALIKES)
    return hashlib.sha256(user_id.bytes + plain.encode()).digest()
