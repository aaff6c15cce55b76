"""Errors in Google's envelope."""

from typing import Any, Final

import orjson

from app.core.errors import AppError
from app.inference.dialects.errors import Headers, RequestInvalid, seconds_of, written

INVALID: Final = (400, "INVALID_ARGUMENT")
LIMITED: Final = (429, "RESOURCE_EXHAUSTED")
UNAVAILABLE: Final = (503, "UNAVAILABLE")
# By our own code: the status and name that Google has for the same thing.
SHOWN: Final[dict[str, tuple[int, str]]] = {
    "provider_rate_limited": LIMITED,
    "rate_limited": LIMITED,
    "providers_rate_limited": LIMITED,
    "provider_quota_exceeded": LIMITED,
    "provider_overloaded": UNAVAILABLE,
    "store_unavailable": UNAVAILABLE,
    "unavailable": UNAVAILABLE,
    "ledger_full": UNAVAILABLE,
    "provider_timed_out": (504, "DEADLINE_EXCEEDED"),
}
# Others keep their status, and have the name that goes with it.
BY_STATUS: Final[dict[int, str]] = {
    401: "UNAUTHENTICATED",
    402: "RESOURCE_EXHAUSTED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
DOMAIN: Final = "luminous"


def shown_as(error: AppError) -> tuple[int, str]:
    if error.code in SHOWN:
        return SHOWN[error.code]
    return error.status, BY_STATUS.get(
        error.status, "UNKNOWN" if error.status >= 500 else INVALID[1]
    )


def envelope(error: AppError) -> tuple[int, dict[str, Any]]:
    """The status and the body of an error; the details say our own code and the field at fault."""
    status, name = shown_as(error)
    kind = "type.googleapis.com/google.rpc."
    reason = {"@type": kind + "ErrorInfo", "reason": error.code.upper(), "domain": DOMAIN}
    details: list[dict[str, Any]] = [reason]
    if isinstance(error, RequestInvalid) and error.param is not None:
        violation = {"field": error.param, "description": error.detail}
        details.append({"@type": kind + "BadRequest", "fieldViolations": [violation]})
    if error.retry_after is not None:
        wait = f"{seconds_of(error.retry_after)}s"
        details.append({"@type": kind + "RetryInfo", "retryDelay": wait})
    told = {"code": status, "message": error.detail, "status": name, "details": details}
    return status, {"error": told}


def error_response(error: AppError) -> tuple[int, Headers, bytes]:
    return written(error, *envelope(error))


def error_chunk(error: AppError) -> bytes:
    """An error inside a stream that has begun; nothing follows it."""
    _, document = envelope(error)
    return b"data: " + orjson.dumps(document) + b"\r\n\r\n"
