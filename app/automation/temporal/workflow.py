"""The workflow that Temporal keeps for each run: when it is to be taken up, and nothing else.

Temporal replays this code over what it recorded of runs that are under way, also after a deploy:
what it asks for, and in which order, changes only behind `workflow.patched`.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from temporalio import workflow
from temporalio.common import RetryPolicy

NAME: Final = "luminous_run"
ADVANCE: Final = "advance"

_AGAIN: Final = RetryPolicy(
    initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=10)
)
# The lease ends an attempt whose worker has died; a run may take as long as it likes.
_LONGEST: Final = timedelta(days=3650)
# A run that is gone from our tables is noticed after this time.
_LOOK: Final = timedelta(days=1)
_SHORTEST: Final = timedelta(milliseconds=50)


@dataclass
class Advanced:
    """How far a run got: to its end, or to a pause until it is woken, or `until` (ISO 8601)."""

    ended: bool
    until: str | None = None


@workflow.defn(name=NAME, sandboxed=False)
class RunWorkflow:
    """Its id is the run's."""

    def __init__(self) -> None:
        self._woken = False

    @workflow.signal
    def wake(self) -> None:
        self._woken = True

    @workflow.run
    async def run(self, workspace_id: str, run_id: str, lease_seconds: float) -> None:
        """Have the run taken up until it has ended, and again each time that it is woken."""
        while True:
            self._woken = False
            advanced = await workflow.execute_activity(
                ADVANCE,
                args=[workspace_id, run_id],
                result_type=Advanced,
                heartbeat_timeout=timedelta(seconds=lease_seconds),
                start_to_close_timeout=_LONGEST,
                retry_policy=_AGAIN,
            )
            if advanced.ended:
                return
            with suppress(asyncio.TimeoutError):
                await workflow.wait_condition(lambda: self._woken, timeout=_left(advanced.until))
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(args=[workspace_id, run_id, lease_seconds])


def _left(until: str | None) -> timedelta:
    if until is None:
        return _LOOK
    return min(max(datetime.fromisoformat(until) - workflow.now(), _SHORTEST), _LOOK)
