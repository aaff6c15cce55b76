"""Errors in the envelope of Responses, and as their event."""

import re
from typing import Any, Final

import orjson

from app.core.errors import AppError
from app.inference.dialects.errors import Headers, UpstreamWords
from app.inference.dialects.openai_chat.errors import answered, envelope

# No text of an answer can spell it: there the quotes are escaped.
NUMBER: Final = re.compile(rb'"sequence_number":[ ]?(\d+)')


def error_response(error: AppError, words: UpstreamWords | None) -> tuple[int, Headers, bytes]:
    status, document = shown(error, words)
    return answered(error, status, document)


def shown(error: AppError, words: UpstreamWords | None = None) -> tuple[int, dict[str, Any]]:
    status, document = envelope(error, words)
    if document["error"]["param"] == "messages":
        document["error"]["param"] = "input"
    return status, document


def error_event(error: AppError, after: bytes) -> bytes:
    """The last event of a stream that cannot go on, numbered as the one that follows `after`.

    Its fields stand twice: as the reference has them, and under `error`, where the vendor's
    clients look.
    """
    _, document = shown(error)
    said = document["error"]
    told: dict[str, Any] = {name: said[name] for name in ("code", "message", "param")}
    told |= {"type": "error", "sequence_number": following(after)}
    return b"event: error\ndata: %b\n\n" % orjson.dumps(told | document)


def following(events: bytes) -> int:
    """The number of the event that comes after these."""
    numbers = NUMBER.findall(events)
    return int(numbers[-1]) + 1 if numbers else 0
