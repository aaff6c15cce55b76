"""Slugs made of names."""

import re
import unicodedata
from uuid import UUID


def slug_of(name: str, agent_id: UUID) -> str:
    """A slug made of a name, with an end of its own so that it is nobody else's."""
    return f"{plain_slug(name)[:50].strip('-') or 'agent'}-{agent_id.hex[-8:]}"


def plain_slug(name: str) -> str:
    """A name in the characters of a slug; it may be empty."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:64].strip("-")
