"""The errors of the application, and how each is told to a client.

AppError
├── BadRequest            400
├── Unauthenticated       401
├── PermissionDenied      403
├── NotFound              404   (also another tenant's resource)
├── MethodNotAllowed      405
├── RequestTimedOut       408
├── Conflict              409
├── Gone                  410
├── PayloadTooLarge       413
├── UriTooLong            414
├── Unprocessable         422
├── TooManyRequests       429
├── HeadTooLarge          431
├── UpstreamFailed        502
├── Unavailable           503
└── UpstreamTimedOut      504

A domain subclasses these in its own `errors.py` with a stable snake_case `code`.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, ClassVar

# Every `type` of a problem document is this page of the project's documentation plus `#code`.
PROBLEM_TYPE_BASE = "/docs/errors#"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One mistake in a request: where it is (`/body/content`, `/query/limit`) and what it is."""

    pointer: str
    code: str
    detail: str


class AppError(Exception):
    """An error that a client may see: its status, its code and a sentence that says what to do.

    `retry_after` is in seconds. `errors` names the fields at fault.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Internal error"
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        detail: str = "",
        *,
        retry_after: float | None = None,
        errors: tuple[FieldError, ...] = (),
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.retry_after = retry_after
        self.errors = errors

    def problem(
        self, *, instance: str | None = None, request_id: str | None = None
    ) -> dict[str, Any]:
        """This error as an RFC 9457 problem document."""
        return {
            "type": PROBLEM_TYPE_BASE + self.code,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
            "code": self.code,
            "request_id": request_id,
            "retryable": self.retryable,
            "retry_after": self.retry_after,
            "errors": [
                {"pointer": e.pointer, "code": e.code, "detail": e.detail} for e in self.errors
            ],
        }


def from_problem(problem: dict[str, Any]) -> AppError:
    """The error that a stored problem document tells of, ready to be raised again."""
    told = {name: problem[name] for name in ("status", "code", "title", "retryable")}
    kind: type[AppError] = type("StoredError", (AppError,), told)
    fields = tuple(FieldError(e["pointer"], e["code"], e["detail"]) for e in problem["errors"])
    return kind(problem["detail"], retry_after=problem["retry_after"], errors=fields)


class InternalError(AppError):
    """What a client is told when the server itself is at fault; the log holds the cause."""


class BadRequest(AppError):
    status = 400
    code = "bad_request"
    title = "The request cannot be read"


class Unauthenticated(AppError):
    status = 401
    code = "unauthenticated"
    title = "Sign in first"


class PermissionDenied(AppError):
    status = 403
    code = "permission_denied"
    title = "Not allowed"


class NotFound(AppError):
    status = 404
    code = "not_found"
    title = "Not found"


class MethodNotAllowed(AppError):
    """The header `Allow` names the methods that it does take."""

    status = 405
    code = "method_not_allowed"
    title = "This address does not take that method"

    def __init__(self, detail: str = "", *, allow: Collection[str]) -> None:
        super().__init__(detail)
        self.allow = ", ".join(sorted(allow))


class RequestTimedOut(AppError):
    """The body came too slowly and was cut; send it again over a better connection."""

    status = 408
    code = "request_timed_out"
    title = "The request took too long to arrive"
    retryable = True


class Conflict(AppError):
    status = 409
    code = "conflict"
    title = "Conflict"


class Gone(AppError):
    status = 410
    code = "gone"
    title = "No longer available"


class RestoreExpired(Gone):
    code = "restore_expired"
    title = "This was deleted too long ago to be restored"


class PayloadTooLarge(AppError):
    status = 413
    code = "payload_too_large"
    title = "The request is too large"


class UriTooLong(AppError):
    status = 414
    code = "uri_too_long"
    title = "The address is too long"


class UnsupportedMediaType(AppError):
    status = 415
    code = "unsupported_media_type"
    title = "Send application/json"


class Unprocessable(AppError):
    status = 422
    code = "validation_failed"
    title = "The request is not valid"


class TooManyRequests(AppError):
    status = 429
    code = "rate_limited"
    title = "Too many requests"
    retryable = True


class HeadTooLarge(AppError):
    status = 431
    code = "head_too_large"
    title = "The request's headers are too large"


class UpstreamFailed(AppError):
    status = 502
    code = "upstream_failed"
    title = "An upstream service failed"
    retryable = True


class Unavailable(AppError):
    status = 503
    code = "unavailable"
    title = "Temporarily unavailable"
    retryable = True


class UpstreamTimedOut(AppError):
    status = 504
    code = "upstream_timed_out"
    title = "An upstream service took too long"
    retryable = True
