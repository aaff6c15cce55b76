"""Changes of single top-level fields in a JSON object's bytes, everything else untouched."""

import re
from collections.abc import Sequence
from typing import Any

import orjson

# A JSON string, or one of the characters that shape the document.
TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]', re.DOTALL)
MODEL = re.compile(rb'"model"[ \t\r\n]*:[ \t\r\n]*("[^"\\]*(?:\\.[^"\\]*)*")', re.DOTALL)
WHITESPACE = b" \t\r\n"

Span = tuple[int, int]


def with_model(body: bytes, document: dict[str, Any], model: str, at: Sequence[Span] = ()) -> bytes:
    """The bytes of a document that is not empty, with this `model` whatever they say now.

    `at` is where it stands, if that is known.
    """
    named = document.get("model")
    if named == model:
        return body
    return add_model(body, model) if named is None else replace_model(body, model, at)


def add_model(body: bytes, model: str) -> bytes:
    """Name the model that was meant in a document, which is not empty, that names none."""
    return b'%b,"model":%b}' % (body[: body.rindex(b"}")], orjson.dumps(model))


def replace_model(body: bytes, model: str, at: Sequence[Span] = ()) -> bytes:
    """Put another name in the place of the document's `model`, which must be a string in it."""
    name = orjson.dumps(model)
    return replace(body, at or spans(body, "model"), name)


def ask_for_usage(body: bytes, options: dict[str, object] | None) -> bytes:
    """Add `include_usage` to the stream options; `options` is what stands there now."""
    value = orjson.dumps({**(options or {}), "include_usage": True})
    if b"stream_options" in body and (found := spans(body, "stream_options")):
        return replace(body, found, value)
    end = body.rindex(b"}")
    return b'%b,"stream_options":%b}' % (body[:end], value)


def with_field(body: bytes, document: dict[str, Any], name: str, value: object) -> bytes:
    """The bytes of a document that is not empty, with this value in a top-level field."""
    written = orjson.dumps(value)
    if name in document:
        return replace(body, spans(body, name), written)
    return b'%b,"%b":%b}' % (body[: body.rindex(b"}")], name.encode(), written)


def replace(body: bytes, found: Sequence[Span], value: bytes) -> bytes:
    pieces: list[bytes] = []
    at = 0
    for start, end in found:
        pieces += (body[at:start], value)
        at = end
    return b"".join((*pieces, body[at:]))


def spans(body: bytes, name: str) -> list[Span]:
    """Where the values of a top-level field stand; a field may be written twice."""
    found: list[Span] = []
    depth, key, start = 0, b"", -1
    for token in TOKEN.finditer(body):
        mark = body[token.start()]
        if mark in b"{[":
            depth += 1
        elif mark in b"}]":
            depth -= 1
        if depth == 1 and mark == 0x3A:
            start = token.end() if orjson.loads(key) == name else -1
        elif (depth == 1 and mark == 0x2C) or depth == 0:
            if start >= 0:
                found.append(trimmed(body, start, token.start()))
            start = -1
        elif depth == 1 and mark == 0x22 and start < 0:
            key = token.group()
    return found


def trimmed(body: bytes, start: int, end: int) -> Span:
    while body[start] in WHITESPACE:
        start += 1
    while body[end - 1] in WHITESPACE:
        end -= 1
    return start, end
