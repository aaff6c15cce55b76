"""What an attempt's end says of the deployment that was asked."""

import random
from functools import lru_cache
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


def breaker_key(call: OpenCall) -> str:
    return _breaker(call.payer.workspace_id, call.candidate.deployment)


@lru_cache(maxsize=4096)
def _breaker(workspace_id: UUID, deployment: str) -> str:
    return f"breaker:{workspace_id}:{deployment}"


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
