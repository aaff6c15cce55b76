"""Breakers: which one guards a step, and which faults it counts.

As resilience4j, Polly and Istio's outlier detection have it: timeouts, refused connections, 5xx and
429 count; what says nothing of how the other side is (its 4xx, settings of our own) counts neither
as a failure nor as a success; one probe at a time tries whether an open breaker may close.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

from app.automation.engine.walking import Names
from app.automation.language.flow import Breaker
from app.automation.language.templates import rendered
from app.automation.nodes.node_type import StepFault

_LONGEST: Final = 200
# What this service itself has no room for, or cannot reach: the other side was not asked.
_OURS: Final = frozenset(
    {
        "gate_away",
        "interrupted",
        "ledger_full",
        "limiter_unavailable",
        "sandbox_failed",
        "sandbox_unavailable",
        "too_many_calls",
        "unavailable",
    }
)


@dataclass(frozen=True, slots=True)
class Guard:
    """A breaker, and one attempt before it.

    It opens at so many `failures` in a row, for `cooldown` seconds. `token` is the attempt's own;
    it takes at most `seconds`.
    """

    key: str
    failures: int
    cooldown: float
    token: str
    seconds: float


def key_of(breaker: Breaker, names: Names, usual: str) -> str:
    """The breaker's own key, or the usual one; raises StepFault."""
    key = usual if breaker.key is None else str(rendered(breaker.key, names))
    if len(key) <= _LONGEST:
        return key
    return f"{key[:100]}…{hashlib.sha256(key.encode(errors='replace')).hexdigest()}"


def blames(fault: StepFault) -> bool | None:
    """Whether a fault counts: True, or None for what says nothing of the other side."""
    return True if fault.retryable and fault.code not in _OURS else None


def usual_key(node_type: str, target: str | None, own: str) -> str:
    """Of what a step has to do with outside; where that is nothing that others know, its own."""
    return f"{node_type} {target or own}"
