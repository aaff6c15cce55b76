"""Which error a provider's refusal is, from its status, its labels and its words."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from app.core import clock
from app.inference.providers.errors import (
    ContentFiltered,
    ContextTooLong,
    ModelNotFound,
    ProviderAuthFailed,
    ProviderError,
    ProviderFailed,
    ProviderGarbled,
    ProviderOverloaded,
    ProviderQuotaExceeded,
    ProviderRateLimited,
    ProviderRejected,
    ProviderTimedOut,
)

TOO_LONG = re.compile(
    r"context.{0,8}(length|window|size)|maximum context|prompt is too long|too many (input )?tokens"
    r"|input token count.{0,40}exceed|reduce the length|input is too long",
    re.IGNORECASE,
)
NO_CREDIT = re.compile(r"credit balance|insufficient (balance|credit|quota)", re.IGNORECASE)
BAD_KEY = re.compile(r"api.?key (is )?(not valid|invalid|expired)", re.IGNORECASE)
MODEL_WORD = re.compile(r"\bmodels?\b", re.IGNORECASE)

# What providers name their errors, in `type`, `code`, `status` or `reason`.
LABELS: dict[str, type[ProviderError]] = {
    "context_length_exceeded": ContextTooLong,
    "string_above_max_length": ContextTooLong,
    "request_too_large": ContextTooLong,
    "content_filter": ContentFiltered,
    "content_policy_violation": ContentFiltered,
    "responsibleaipolicyviolation": ContentFiltered,
    "insufficient_quota": ProviderQuotaExceeded,
    "billing_error": ProviderQuotaExceeded,
    "billing_hard_limit_reached": ProviderQuotaExceeded,
    "invalid_api_key": ProviderAuthFailed,
    "api_key_invalid": ProviderAuthFailed,
    "authentication_error": ProviderAuthFailed,
    "permission_error": ProviderAuthFailed,
    "permission_denied": ProviderAuthFailed,
    "unauthenticated": ProviderAuthFailed,
    "model_not_found": ModelNotFound,
    "deploymentnotfound": ModelNotFound,
    "not_found_error": ModelNotFound,
    "rate_limit_error": ProviderRateLimited,
    "rate_limit_exceeded": ProviderRateLimited,
    "resource_exhausted": ProviderRateLimited,
    "overloaded_error": ProviderOverloaded,
    "overloaded": ProviderOverloaded,
    "unavailable": ProviderOverloaded,
    "timeout_error": ProviderTimedOut,
    "deadline_exceeded": ProviderTimedOut,
}
STATUSES: dict[int, type[ProviderError]] = {
    401: ProviderAuthFailed,
    402: ProviderQuotaExceeded,
    403: ProviderAuthFailed,
    408: ProviderTimedOut,
    413: ContextTooLong,
    429: ProviderRateLimited,
    503: ProviderOverloaded,
    504: ProviderTimedOut,
    524: ProviderTimedOut,
    529: ProviderOverloaded,
}


@dataclass(frozen=True, slots=True)
class Complaint:
    """A provider's error body, whichever dialect it is in."""

    message: str = ""
    labels: tuple[str, ...] = ()
    status: int | None = None
    retry_after: float | None = None

    @property
    def in_band_status(self) -> int:
        """The status that stands for this error where the answer's own was 200."""
        return self.status if self.status is not None and self.status >= 400 else 500


def read_complaint(body: bytes) -> Complaint:
    try:
        document = orjson.loads(body)
    except ValueError:
        return Complaint()
    if isinstance(document, list) and document:
        document = document[0]
    return complaint_of(document)


def complaint_of(document: Any) -> Complaint:
    if not isinstance(document, dict):
        return Complaint()
    error = document.get("error", document)
    if isinstance(error, str):
        return Complaint(error)
    if not isinstance(error, dict):
        return Complaint()
    message = error.get("message") or error.get("detail") or ""
    details = [d for d in error.get("details") or () if isinstance(d, dict)]
    named = [error.get("code"), error.get("status"), error.get("type")]
    named += [detail.get("reason") for detail in details]
    status = error.get("code")
    return Complaint(
        message if isinstance(message, str) else orjson.dumps(message).decode(),
        tuple(label.lower() for label in named if isinstance(label, str)),
        status if isinstance(status, int) else None,
        next(retry_delays(details), None),
    )


def retry_delays(details: list[dict[str, Any]]) -> Iterator[float]:
    """Seconds out of Google's RetryInfo (`"retryDelay": "34s"`)."""
    for detail in details:
        delay = detail.get("retryDelay")
        if isinstance(delay, str) and (seconds := as_seconds(delay.removesuffix("s"))) is not None:
            yield seconds


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from `Retry-After` as a number or a date, or `retry-after-ms`."""
    milliseconds = as_seconds(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after", "")
    seconds = as_seconds(value)
    if seconds is not None or not value:
        return seconds
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (date - clock.now()).total_seconds())


def as_seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if 0 <= seconds < 1e9 else None


def refusal(
    provider: str,
    status: int,
    complaint: Complaint,
    *,
    secret: str = "",
    wait: float | None = None,
) -> ProviderError:
    """Make the error that a provider's answer is, quoting its words without the key."""
    kind = classify(status, complaint)
    said = redact(complaint.message, secret) or f"answered with status {status} and no message."
    if 300 <= status < 400:
        said = f"answered with a redirect ({status}), which is not followed; check the base URL."
    return kind(
        provider,
        said,
        upstream_status=status,
        retry_after=wait if wait is not None else complaint.retry_after,
    )


def classify(status: int, complaint: Complaint) -> type[ProviderError]:
    if status < 500 and (kind := by_words(status, complaint.message)) is not None:
        return kind
    for label in complaint.labels:
        if label in LABELS:
            return LABELS[label]
    if status == 404:
        return ModelNotFound if MODEL_WORD.search(complaint.message) else ProviderRejected
    return STATUSES.get(status) or by_hundreds(status)


def by_words(status: int, message: str) -> type[ProviderError] | None:
    if status in (400, 413, 422) and TOO_LONG.search(message):
        return ContextTooLong
    if status in (400, 403) and NO_CREDIT.search(message):
        return ProviderQuotaExceeded
    if status == 400 and BAD_KEY.search(message):
        return ProviderAuthFailed
    return None


def by_hundreds(status: int) -> type[ProviderError]:
    if status >= 500:
        return ProviderFailed
    return ProviderRejected if status >= 400 else ProviderGarbled


def redact(text: str, secret: str) -> str:
    return text.replace(secret, "[redacted]") if len(secret) >= 4 else text
