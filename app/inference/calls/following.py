"""Answers that their provider goes on with when nobody listens: paid by what they come to.

A call whose answer goes on stays open, with all that it holds, until the provider tells its usage.
Should nobody be left to ask, it is paid as the longest answer.
"""

import asyncio
from dataclasses import replace
from functools import partial
from typing import Any, Final

import orjson

from app.core.errors import AppError
from app.core.log import get_logger
from app.core.tasks import stop_tasks
from app.inference.calls.attempt import Attempt
from app.inference.calls.wire import Wire
from app.inference.dialects.dialect import OnGoing
from app.inference.gate.bounds import LONGEST_ANSWER
from app.inference.gate.call import OpenCall, Settlement
from app.inference.gate.gate import Gate
from app.inference.providers.errors import ProviderError
from app.inference.providers.types import Usage

log = get_logger(__name__)

# Seconds between two questions, and how long one is followed.
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 15.0
LONGEST: Final = 2 * 3600.0
UNDER_WAY: Final = ("queued", "in_progress")
Task = asyncio.Task[Settlement | None]


class Following:
    """One a process; whoever stops it has what is still open settled as the longest answer."""

    def __init__(self, wire: Wire, gate: Gate) -> None:
        self._wire = wire
        self._gate = gate
        self._tasks: set[Task] = set()

    def settle(self, attempt: Attempt, end: Settlement, answer: OnGoing) -> None:
        """Settle the attempt, whose answer goes on, when that has ended."""
        self._gate.expect(attempt.call, longest(attempt.call))
        task = asyncio.create_task(self._told(attempt, end, answer), name="following")
        self._tasks.add(task)
        # A task that is stopped before its first step has no other end.
        task.add_done_callback(partial(self._settle, attempt, end))

    async def close(self) -> None:
        await stop_tasks(set(self._tasks))

    def _settle(self, attempt: Attempt, end: Settlement, task: Task) -> None:
        self._tasks.discard(task)
        told = None
        if not task.cancelled():
            if error := task.exception():
                log.error("following_failed", exc_info=error)
            else:
                told = task.result()
        if told is None:
            told = replace(end, usage=None, output_tokens=longest(attempt.call))
        self._gate.settle(attempt.call, told)

    async def _told(self, attempt: Attempt, end: Settlement, answer: OnGoing) -> Settlement | None:
        """How it ended; None where nobody can tell any more, since it was deleted, say."""
        try:
            async with asyncio.timeout(LONGEST):
                document = await self._ended(attempt, answer)
        except (AppError, TimeoutError):
            return None
        usage = answer.usage_of(document)
        if usage is None and document.get("status") == "failed":
            usage = Usage()
        if usage is None:
            return end
        return replace(end, usage=usage, usage_is_partial=False, output_tokens=0)

    async def _ended(self, attempt: Attempt, answer: OnGoing) -> dict[str, Any]:
        """The answer as it stands at its end; raises the error of one that is not there."""
        pause = FIRST_PAUSE
        while True:
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
            try:
                document = orjson.loads(await self._look(attempt, answer))
            except ProviderError as error:
                if not error.retryable:
                    raise
            except ValueError:
                continue
            else:
                if isinstance(document, dict) and document.get("status") not in UNDER_WAY:
                    return document

    async def _look(self, attempt: Attempt, answer: OnGoing) -> bytes:
        exchange = await self._wire.open(
            attempt.candidate, answer.url, None, method="GET", whole=True
        )
        try:
            return await exchange.read_body()
        finally:
            exchange.close()


def longest(call: OpenCall) -> int:
    """Tokens that its answer may come to."""
    return call.load.most_output_tokens or call.most_output or LONGEST_ANSWER
