"""Errors in the envelope of Responses, and as their event."""

from typing import Any

import orjson

from app.core.errors import AppError
from app.inference.dialects.errors import Headers, UpstreamWords
from app.inference.dialects.openai_chat.errors import envelope, written


def error_response(error: AppError, words: UpstreamWords | None) -> tuple[int, Headers, bytes]:
    status, document = shown(error, words)
    return written(error, status, document)


def shown(error: AppError, words: UpstreamWords | None = None) -> tuple[int, dict[str, Any]]:
    status, document = envelope(error, words)
    if document["error"]["param"] == "messages":
        document["error"]["param"] = "input"
    return status, document


def error_event(error: AppError) -> bytes:
    """The last event of a stream that cannot go on.

    Its fields stand twice: as the reference has them, and under `error`, where the vendor's
    clients look.
    """
    _, document = shown(error)
    said = document["error"]
    told = {name: said[name] for name in ("code", "message", "param")}
    return b"event: error\ndata: %b\n\n" % orjson.dumps({"type": "error"} | told | document)
