"""How circuit breakers stand, for routing and for those who look."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import orjson

from app.core.clock import now
from app.core.scripts import BatchedScript

BreakerState = Literal["closed", "open", "half_open", "paused"]


@dataclass(frozen=True, slots=True)
class BreakerStanding:
    """`since` is when it opened first; before `next_probe` nobody asks the deployment.

    `half_open` waits for a probe, or for what comes of it; `paused` is a provider that asked to be
    left alone.
    """

    state: BreakerState
    since: datetime | None = None
    next_probe: datetime | None = None


async def standing_of(
    script: BatchedScript, workspace_id: UUID, deployments: Sequence[str]
) -> dict[str, BreakerStanding]:
    """By deployment; raises what Valkey raises."""
    if not deployments:
        return {}
    keys = [f"breaker:{workspace_id}:{deployment}" for deployment in deployments]
    answer = await script.ask(orjson.dumps(["standing", 0, keys]))
    moment = now()
    found = {}
    for deployment, (state, open_for, wait) in zip(deployments, answer, strict=True):
        found[deployment] = BreakerStanding(
            state,
            moment - timedelta(microseconds=open_for) if open_for >= 0 else None,
            moment + timedelta(microseconds=wait) if wait > 0 else None,
        )
    return found
