"""Identifiers: UUIDv7, so that keys sort by creation."""

from uuid import UUID

from uuid_utils import compat, uuid7


def new_id() -> UUID:
    """A fresh UUIDv7."""
    return compat.uuid7()


def new_text() -> str:
    """One as it is written, where nobody wants more of it."""
    return str(uuid7())


def new_hex() -> str:
    """The 32 digits of one, where nothing else of it is needed."""
    return uuid7().hex
