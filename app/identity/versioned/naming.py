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
    """A name in the characters of a slug; empty where nothing is left, or what looks like an id."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:64].strip("-")
    return "" if reference_ids([slug]) else slug


def no_id(slug: str) -> str:
    """A slug that nobody takes for an id: it would be found where the id's own is gone.

    Raises ValueError.
    """
    if reference_ids([slug]):
        raise ValueError("must not look like an id")
    return slug


def reference_ids(names: Iterable[str]) -> dict[str, UUID]:
    """Those of the names that are ids."""
    found = {}
    for name in names:
        try:
            found[name] = UUID(name)
        except ValueError:
            continue
    return found
