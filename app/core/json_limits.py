"""What JSON may hold beyond its grammar: a bounded depth, and no NUL, which Postgres refuses."""

import re
from collections.abc import Iterator
from typing import Any, Final

import orjson

MAX_DEPTH = 64
_NUL: Final = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")

Place = tuple[str | int, ...]


def too_deep(body: bytes, value: Any) -> Place | None:
    """Where `value`, read from `body`, is nested deeper than MAX_DEPTH; None where it is not."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH or _depth(value) <= MAX_DEPTH:
        return None
    return tuple([name for name, child in _items(value) if _depth(child) >= MAX_DEPTH][:1])


def holds_nul(body: bytes, value: Any) -> Place | None:
    """Where a string of `value` has a NUL; None where none has. The depth must be bounded."""
    return next(_nuls(value), None) if body.find(b"\\u0000") >= 0 else None


def storable(value: Any) -> Any:
    """Somebody else's JSON as Postgres keeps it: without NUL, and no deeper than can be written."""
    try:
        written = orjson.dumps(value)
    except TypeError:
        return {"error": {"message": "The answer is nested too deeply to be kept."}}
    if b"\\u0000" not in written:
        return value
    return orjson.loads(_NUL.sub(rb"\1\\ufffd", written))


def _depth(value: Any) -> int:
    """How many levels of values there are; what is neither object nor array ends at its own."""
    deepest, level = 1, [value] if isinstance(value, dict | list) else []
    while any(level):
        deepest += 1
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, (dict, list))
        ]
    return deepest


def _nuls(node: Any, *place: str | int) -> Iterator[Place]:
    """A key with a NUL is at its object."""
    if isinstance(node, str) and "\x00" in node:
        yield place
    for name, child in _items(node):
        if isinstance(name, str) and "\x00" in name:
            yield place
        yield from _nuls(child, *place, name)


def _items(node: Any) -> list[tuple[str | int, Any]]:
    if isinstance(node, dict):
        return list(node.items())
    return list(enumerate(node)) if isinstance(node, list) else []
