"""Values on their way into the trail: made JSON, hidden, withheld or shortened."""

import hashlib
from collections.abc import Callable
from datetime import date, datetime
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Column, LargeBinary, Text
from sqlalchemy.dialects.postgresql import JSONB

from app.core.data import Category, declared
from app.oversight.audit.proof import canonical

HIDDEN = "[hidden]"
MOST_BYTES = 1024  # of one value; a longer one is told by its beginning and its digest
MOST_DETAIL_BYTES = 8192
SHOWN_CHARACTERS = 200
_SAFE_INTEGER = 2**53
_WORST_BYTES = 6  # what a character may take as JSON


def as_json(value: Any) -> Any:
    """A value as JSON can hold it, the same after being stored and read again."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int) and abs(value) <= _SAFE_INTEGER:
        return value
    if isinstance(value, bytes):
        return {"bytes": len(value), "sha256": hashlib.sha256(value).hexdigest()}
    return _other(value)


def _other(value: Any) -> Any:
    if isinstance(value, Enum):
        return as_json(value.value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, dict):
        return {
            str(key): inner if isinstance(inner, str) else as_json(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [inner if isinstance(inner, str) else as_json(inner) for inner in value]
    return str(value)  # a UUID, a Decimal, a float: text keeps each digit


def shortened(value: Any, most: int = MOST_BYTES) -> Any:
    """A JSON value, or what tells of it where it is too long: its beginning, length and digest."""
    if type(value) is str and _WORST_BYTES * (len(value) + 1) <= most:
        return value
    if value is None or isinstance(value, int):
        return value  # as_json has made a text of a longer one
    text = text_of(value)
    if len(text.encode()) <= most:
        return value
    shown = value if isinstance(value, str) else text
    return {"begins": shown[:SHOWN_CHARACTERS], **_told(text)}


def withheld(value: Any) -> Any:
    """What tells of a person's own words without repeating them: their length."""
    return {"characters": len(text_of(value))}


def text_of(value: Any) -> str:
    return canonical(value).decode()


def _told(text: str) -> dict[str, Any]:
    return {"characters": len(text), "sha256": hashlib.sha256(text.encode()).hexdigest()}


def is_secret(column: Column[Any]) -> bool:
    """Whether a column's value must never be shown; bytes that nobody declared count as such."""
    known = declared(column.info)
    if known is None:
        return isinstance(column.type, LargeBinary)
    return known.kind == "secret"


def is_personal(column: Column[Any]) -> bool:
    """Whether a column's value may only stand in the erasable part; in doubt it may not."""
    known = declared(column.info)
    if known is None:
        return isinstance(column.type, Text | JSON | JSONB)
    return known.kind == "personal"


def recorder_of(column: Column[Any]) -> Callable[[Any], Any]:
    """What makes of a column's value, other than null, what the trail holds of it."""
    if is_secret(column):
        return _hidden
    known = declared(column.info)
    if known is not None and known.category is Category.CONTENT:
        return _withheld
    return _shown


def _hidden(_: Any) -> Any:
    return HIDDEN


def _withheld(value: Any) -> Any:
    return withheld(as_json(value))


def _shown(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else shortened(as_json(value))
