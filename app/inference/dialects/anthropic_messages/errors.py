"""Errors in Anthropic's envelope."""

from typing import Any, Final

import orjson

from app.core.errors import AppError
from app.core.ids import new_id
from app.inference.dialects.errors import Headers, RequestInvalid, UpstreamWords, written

INVALID: Final = "invalid_request_error"
THREAD: Final = "thread"
OVERLOADED: Final = (529, "overloaded_error")
LIMITED: Final = (429, "rate_limit_error")
# By our own code: the status and type that Anthropic has for the same thing.
SHOWN: Final[dict[str, tuple[int, str]]] = {
    "provider_rate_limited": LIMITED,
    "rate_limited": LIMITED,
    "providers_rate_limited": LIMITED,
    "provider_quota_exceeded": (402, "billing_error"),
    "provider_overloaded": OVERLOADED,
    "store_unavailable": OVERLOADED,
    "unavailable": OVERLOADED,
    "ledger_full": OVERLOADED,
    "provider_timed_out": (504, "timeout_error"),
}
# Others keep their status, and have the type that goes with it.
BY_STATUS: Final[dict[int, str]] = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def shown_as(error: AppError) -> tuple[int, str]:
    if error.code in SHOWN:
        return SHOWN[error.code]
    return error.status, BY_STATUS.get(
        error.status, "api_error" if error.status >= 500 else INVALID
    )


def envelope(error: AppError, words: UpstreamWords | None = None) -> tuple[int, dict[str, Any]]:
    """The status and the body of an error; our own code stands beside Anthropic's type."""
    status, kind = shown_as(error)
    told: dict[str, Any] = {"type": kind, "message": error.detail, "code": error.code}
    if (reason := reason_of(error, words)) is not None:
        told["details"] = {"error_code": reason}
    return status, {"type": "error", "error": told, "request_id": f"req_{new_id().hex}"}


def reason_of(error: AppError, words: UpstreamWords | None) -> str | None:
    """What Anthropic's SDKs go on by: without a thread that nobody keeps, anew after a lost one."""
    if isinstance(error, RequestInvalid) and error.param == THREAD:
        return "thread_unsupported_request"
    return None if words is None else words.reason


def error_response(
    error: AppError, words: UpstreamWords | None = None
) -> tuple[int, Headers, bytes]:
    status, document = envelope(error, words)
    return written(error, status, document, [(b"request-id", document["request_id"].encode())])


def error_event(error: AppError) -> bytes:
    """An error inside a stream that has begun; no message_stop follows it."""
    _, document = envelope(error)
    return b"event: error\ndata: " + orjson.dumps(document) + b"\n\n"
