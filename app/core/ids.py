"""Identifiers: UUIDv7, so that keys sort by creation."""

from uuid import UUID

from uuid_utils import compat


def new_id() -> UUID:
    """A fresh UUIDv7."""
    return compat.uuid7()
