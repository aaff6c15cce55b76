"""What goes wrong, and what the client's own SDK makes of it."""

from collections.abc import Callable

from tests.conformance.answering import breaking_off, overloaded, too_long
from tests.conformance.case import GREETING, TEXT, AtLeast, Case, Dialect, Within, everywhere
from tests.support.fakes.base import status

KINDS = {
    "key": ("invalid_api_key", "authentication_error", "UNAUTHENTICATED"),
    "model": ("model_not_found", "not_found_error", "NOT_FOUND"),
    "rate": ("rate_limit_exceeded", "rate_limit_error", "RESOURCE_EXHAUSTED"),
    "long": ("context_length_exceeded", "invalid_request_error", "INVALID_ARGUMENT"),
    "overload": ("provider_overloaded", "overloaded_error", "UNAVAILABLE"),
}


def kind(name: str) -> Callable[[Dialect], str]:
    """What each vendor calls an error."""
    openais, anthropics, googles = KINDS[name]
    return lambda dialect: {"messages": anthropics, "gemini": googles}.get(dialect, openais)


ERRORS = (
    Case(
        "bad-key",
        "A wrong key: 401",
        everywhere(),
        {"error.status": 401, "error.kind": kind("key")},
        key="lum_live_wrong",
        model="openai/gpt-fake",
    ),
    Case(
        "no-model",
        "An unknown model: 404",
        everywhere(),
        {"error.status": 404, "error.kind": kind("model")},
        model="nowhere/x",
    ),
    Case(
        "no-embedding-model",
        "An unknown model for embeddings: 404",
        {"chat": {"input": "Hello"}, "gemini": {"contents": GREETING["gemini"]["contents"]}},
        {"error.status": 404, "error.kind": kind("model")},
        operation="embed",
        model="nowhere/x",
    ),
    Case(
        "rate-limit",
        "The upstream limits the rate: 429 with Retry-After",
        everywhere(),
        {"error.status": 429, "error.kind": kind("rate"), "error.retry_after": "7"},
        says=status(429, headers={"retry-after": "7"}),
        fails=True,
    ),
    Case(
        "too-long",
        "The context is too long: 400",
        everywhere(),
        {"error.status": 400, "error.kind": kind("long")},
        says=too_long(),
        fails=True,
    ),
    Case(
        "overload",
        "The upstream is overloaded: 503 (Anthropic: 529)",
        everywhere(),
        {"error.status": AtLeast(503), "error.kind": kind("overload")},
        says=overloaded(),
        fails=True,
    ),
    Case(
        "failover",
        "A stream that breaks off is gone on with by the route's next model",
        everywhere(),
        {"text": "Hel" + TEXT, "stop": "stop"},
        operation="stream",
        says=breaking_off(),
        fails=True,
        routed=True,
    ),
    Case(
        "broken",
        "A stream that breaks off ends in the SDK's error, after its first words",
        everywhere(),
        {"error.class": Within("Error"), "text": "Hel"},
        operation="stream",
        says=breaking_off(),
        fails=True,
    ),
)
