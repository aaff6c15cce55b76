"""Errors in OpenAI's envelope."""

from typing import Any, Final

import orjson

from app.core.errors import (
    AppError,
    MethodNotAllowed,
    PayloadTooLarge,
    PermissionDenied,
    Unauthenticated,
)
from app.inference.dialects.errors import Headers, RequestInvalid, UpstreamWords, written

INVALID: Final = "invalid_request_error"
# By our own code: the status, type and code that OpenAI has for the same thing. Others keep their
# status and code.
SHOWN: dict[str, tuple[int, str, str]] = {
    "provider_rate_limited": (429, "rate_limit_error", "rate_limit_exceeded"),
    "rate_limited": (429, "rate_limit_error", "rate_limit_exceeded"),
    "providers_rate_limited": (429, "rate_limit_error", "rate_limit_exceeded"),
    "too_many_calls": (429, "rate_limit_error", "too_many_calls"),
    "provider_quota_exceeded": (429, "insufficient_quota", "insufficient_quota"),
    "context_too_long": (400, INVALID, "context_length_exceeded"),
    "content_filtered": (400, INVALID, "content_filter"),
    "provider_overloaded": (503, "server_error", "provider_overloaded"),
    "model_unavailable": (404, INVALID, "model_not_found"),
    "model_not_found": (404, INVALID, "model_not_found"),
    "internal_error": (500, "server_error", "internal_error"),
    "store_unavailable": (503, "server_error", "store_unavailable"),
    "unavailable": (503, "server_error", "unavailable"),
    "ledger_full": (503, "server_error", "ledger_full"),
}
# The parameter at fault, where the error is always about the same one.
PARAMETERS = {
    "context_too_long": "messages",
    "model_unavailable": "model",
    "model_not_found": "model",
}


def envelope(error: AppError, words: UpstreamWords | None = None) -> tuple[int, dict[str, Any]]:
    """The status and the body of an error."""
    status, kind, code = shown_as(error)
    param = PARAMETERS.get(error.code)
    if isinstance(error, RequestInvalid):
        param, code = error.param, error.label
    elif error.code == "provider_rejected_request" and words is not None:
        param, code = words.param, words.code
    told = {"message": error.detail, "type": kind, "param": param, "code": code}
    return status, {"error": told}


def shown_as(error: AppError) -> tuple[int, str, str | None]:
    if error.code in SHOWN:
        return SHOWN[error.code]
    if isinstance(error, Unauthenticated):
        return 401, INVALID, "invalid_api_key"
    if isinstance(error, PermissionDenied):
        return 403, INVALID, "insufficient_permissions"
    if isinstance(error, MethodNotAllowed):
        return 405, INVALID, "method_not_supported"
    if isinstance(error, PayloadTooLarge):
        return 413, INVALID, "request_too_large"
    return error.status, "api_error" if error.status >= 500 else INVALID, error.code


def error_response(error: AppError, words: UpstreamWords | None) -> tuple[int, Headers, bytes]:
    return answered(error, *envelope(error, words))


def answered(error: AppError, status: int, document: dict[str, Any]) -> tuple[int, Headers, bytes]:
    more = [(b"www-authenticate", b"Bearer")] if status == 401 else []
    return written(error, status, document, more)


def error_chunk(error: AppError) -> bytes:
    """An error inside a stream that has begun; no [DONE] follows it."""
    _, document = envelope(error)
    return b"data: " + orjson.dumps(document) + b"\n\n"


def words_of(body: bytes) -> UpstreamWords | None:
    """What a provider of OpenAI's said of a mistake, beside its message."""
    try:
        document = orjson.loads(body)
    except ValueError:
        return None
    error = document.get("error") if isinstance(document, dict) else None
    if not isinstance(error, dict):
        return None
    param, code = error.get("param"), error.get("code")
    return UpstreamWords(
        param[:100] if isinstance(param, str) else None,
        code[:100] if isinstance(code, str) else None,
    )
