"""What an attempt's end says of the deployment that was asked."""

import random
from typing import Any, Final
from uuid import UUID

from app.inference.gate.call import OpenCall, Settlement
from app.inference.providers.errors import (
    ProviderAuthFailed,
    ProviderFailed,
    ProviderGarbled,
    ProviderInterrupted,
    ProviderOverloaded,
    ProviderQuotaExceeded,
    ProviderRateLimited,
    ProviderTimedOut,
    ProviderUnreachable,
)
from app.inference.routing.plan import Candidate

BREAKER: Final = "breaker"
# Everything else is of the caller's making, or the provider's considered answer.
ITS_FAULT: Final = (
    ProviderAuthFailed,
    ProviderFailed,
    ProviderGarbled,
    ProviderInterrupted,
    ProviderOverloaded,
    ProviderQuotaExceeded,
    ProviderTimedOut,
    ProviderUnreachable,
)


def breaker_key(workspace_id: UUID, candidate: Candidate) -> str:
    known: tuple[UUID, str] | None = candidate.memo.get(BREAKER)
    if known is None or known[0] != workspace_id:
        known = (workspace_id, f"breaker:{workspace_id}:{candidate.deployment}")
        candidate.memo[BREAKER] = known
    return known[1]


def verdict_on(end: Settlement) -> tuple[str, float]:
    """`good`, `bad`, `none` or `pause`, and beside it the jitter or the microseconds to pause."""
    error = end.error
    if end.status == "succeeded":
        return "good", 0
    if isinstance(error, ProviderRateLimited) and error.retry_after:
        return "pause", round(error.retry_after * 1_000_000)
    if end.status == "failed" and isinstance(error, ITS_FAULT):
        return "bad", random.random()  # noqa: S311 - it spreads probes, and keeps no secret
    return "none", 0


def report_on(call: OpenCall, end: Settlement) -> list[Any]:
    """What the breaker is told of this call by itself; empty for nothing."""
    said, beside = verdict_on(end)
    if said == "none" and not call.probe:
        return []
    return [call.breaker, said, beside]
