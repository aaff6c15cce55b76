"""Slugs made of names, and references that may be slugs or ids."""

import re
import unicodedata
from collections.abc import Iterable
from uuid import UUID

from app.core.ids import new_hex


def slug_of(name: str, fallback: str, end: str = "") -> str:
    """A slug made of a name, with an end of its own so that it is nobody else's."""
    return f"{plain_slug(name)[:50].strip('-') or fallback}-{(end or new_hex())[-8:]}"


def plain_slug(name: str) -> str:
    """A name in the characters of a slug; it may be empty."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:64].strip("-")


def reference_ids(names: Iterable[str]) -> dict[str, UUID]:
    """Those of the names that are ids."""
    found = {}
    for name in names:
        try:
            found[name] = UUID(name)
        except ValueError:
            continue
    return found
