"""What this process has to tell Valkey of its calls: applied once each, in order, whatever happens.

Ends of calls are in no hurry: they wait some milliseconds to travel with the next question. While
Valkey is away everything waits here.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Final

import orjson

from app.core.log import get_logger
from app.core.scripts import BatchedScript, Question
from app.core.waiting import running_loop
from app.inference.gate.call import Bucket

log = get_logger(__name__)

LINGER_SECONDS: Final = 0.01
BATCH_NOTES: Final = 500
FIRST_PAUSE: Final = 0.05
LONGEST_PAUSE: Final = 1.0


class Notes:
    """What travels together: settlements, good calls by breaker, late holds and records.

    `terms` are the places (from 1) of what settlements are under: keys of budgets, and buckets.
    """

    __slots__ = ("good", "late", "records", "settled", "terms")

    def __init__(self) -> None:
        self.settled: list[Any] = []
        self.good: dict[str, int] = {}
        self.late: list[Any] = []
        self.records: list[bytes] = []
        self.terms: dict[tuple[tuple[str, ...], tuple[Bucket, ...]], int] = {}

    def __len__(self) -> int:
        return max(len(self.records), len(self.settled))

    def settle(
        self,
        call_id: str,
        cost: int | None,
        budgets: tuple[str, ...] = (),
        buckets: tuple[Bucket, ...] = (),
        tokens: Sequence[int] = (),
        report: Sequence[Any] = (),
        *,
        lost: str = "",
    ) -> None:
        """Say what a call cost; `tokens` are taken more of each bucket.

        `report` is of its breaker, `lost` names its executor where another one settles it.
        """
        place = self.terms.setdefault((budgets, buckets), len(self.terms) + 1)
        self.settled.append((call_id, cost or 0, place, tokens, report, lost))

    def question(self, executor_id: str, sequence: int) -> bytes:
        good = list(self.good.items())
        terms = [(budgets, list(map(tuple, buckets))) for budgets, buckets in self.terms]
        said = [executor_id, sequence, self.settled, good, self.late, terms]
        return orjson.dumps(["notes", 0, said])


class Outbox:
    """`down` from the first time that Valkey does not take a batch, until it takes one."""

    def __init__(self, script: BatchedScript, executor_id: str) -> None:
        self._script = script
        self._executor_id = executor_id
        self._notes = [Notes()]
        self._sequence = 0
        self._sending: Question | None = None
        self._sending_size = 0
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0  # when what waits is to leave; 0 where nothing does
        self._pause = FIRST_PAUSE
        self._retry_at = 0.0
        self.down = False
        script.riders.append(self._take)

    @property
    def backlog(self) -> int:
        """How many calls' records Valkey does not have yet."""
        size = self._sending_size
        for notes in self._notes:
            size += max(len(notes.records), len(notes.settled))
        return size

    def notes(self) -> Notes:
        """Where to write what is to be told next; it leaves within ten milliseconds."""
        if not self._due:
            loop = running_loop()
            self._due = loop.time() + LINGER_SECONDS
            if self._timer is None:
                self._timer = loop.call_at(self._due, self._wake)
        last = self._notes[-1]
        if len(last.records) >= BATCH_NOTES or len(last.settled) >= BATCH_NOTES:
            last = Notes()
            self._notes.append(last)
        return last

    async def flush(self, seconds: float = 2.0) -> None:
        """Tell what waits, for a bounded time."""
        deadline = time.monotonic() + seconds
        while self.backlog and time.monotonic() < deadline:
            self._script.wake()
            await asyncio.sleep(0.002)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _wake(self) -> None:
        """Have sent what waits, unless what the timer was set for has travelled since."""
        self._timer = None
        loop = running_loop()
        if loop.time() < self._due:
            self._timer = loop.call_at(self._due, self._wake)
        else:
            self._script.wake()

    def _take(self) -> Question | None:
        """The next batch; one that was not taken comes again, unchanged, after a pause."""
        if self._sending is not None:
            return self._sending if time.monotonic() >= self._retry_at else None
        notes = self._notes[0]
        if not len(notes) and not notes.good:
            return None
        self._notes = self._notes[1:] or [Notes()]
        self._due = 0.0
        self._sequence += 1
        self._sending_size = len(notes)
        wire = notes.question(self._executor_id, self._sequence)
        records = (b",".join(notes.records),) if notes.records else ()
        self._sending = Question(wire, records, self._answered)
        return self._sending

    def _answered(self, said: Any) -> None:
        if isinstance(said, Exception):
            self._failed(said)
            return
        if said[0] == "done" and said[1]:
            log.error("gate_notes_failed", problems=said[1])
        if self.down:
            log.info("usage_log_writable_again")
        self._sending, self._sending_size = None, 0
        self.down, self._pause, self._retry_at = False, FIRST_PAUSE, 0.0
        if self._timer is None or len(self._notes) > 1:
            self._script.wake()

    def _failed(self, error: Exception) -> None:
        if not self.down:
            log.warning("usage_log_not_writable", error=repr(error))
        self.down = True
        # A little less: timers may fire a moment too early.
        self._retry_at = time.monotonic() + self._pause * 0.9
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(self._pause, self._wake)
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
