"""Group commit: one task writes the new events of every run of this process to Valkey."""

import asyncio
import time
from collections.abc import Sequence
from itertools import islice

from redis.exceptions import RedisError

from app.core.log import get_logger
from app.core.tasks import stop_tasks
from app.core.waiting import deadline, running_loop
from app.runs.events.errors import EventLogUnavailable, RunLost
from app.runs.events.event import Event
from app.runs.events.live import FENCED, LiveLog
from app.runs.events.log import RunLog

log = get_logger(__name__)

# A lone event leaves at once; under load, batches start at most this often.
BATCH_SECONDS = 0.004
# One that may wait leaves with the next of its run, or after so long.
HOLD_SECONDS = 0.025
BATCH_EVENTS = 2000
OUTAGE_SECONDS = 20.0
ANSWER_SECONDS = 5.0

Batch = list[tuple[RunLog, Sequence[Event]]]


class Appender:
    """Gathers while the batch before is under way; readers see an event once it is written."""

    def __init__(self, live: LiveLog) -> None:
        self._live = live
        # The logs to write, and whether more was wanted soon since they were last gathered.
        self._dirty: dict[RunLog, bool] = {}
        self._held: dict[RunLog, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._down_since: float | None = None
        self._delay = 0.05

    def start(self) -> None:
        self._task = asyncio.create_task(self._work(), name="event appender")

    async def close(self, seconds: float = 2.0) -> None:
        """Write what is waiting, for a bounded time."""
        deadline = time.monotonic() + seconds
        while (self._dirty or self._held) and time.monotonic() < deadline:  # noqa: ASYNC110 - once, at the end
            await asyncio.sleep(0.01)
        await stop_tasks([self._task])

    def mark(self, dirty: RunLog, *, soon: bool = True) -> None:
        """Say that a log has events to write; `soon` says that they are waited for."""
        if soon:
            self._held.pop(dirty, None)
            self._dirty[dirty] = True
            self._wanted.set()
        elif dirty not in self._dirty:
            self._held[dirty] = None
            if self._timer is None:
                self._timer = running_loop().call_later(HOLD_SECONDS, self._release)

    def _release(self) -> None:
        """Have written what was held long enough."""
        self._timer = None
        if self._held:
            self._dirty |= dict.fromkeys(self._held, False)
            self._held.clear()
            self._wanted.set()

    async def _work(self) -> None:
        while True:
            await self._wanted.wait()
            began = time.monotonic()
            await self._write_batch()
            spent = time.monotonic() - began
            if not self._dirty:
                self._wanted.clear()
            if spent < BATCH_SECONDS:
                await asyncio.sleep(BATCH_SECONDS - spent)

    async def _write_batch(self) -> None:
        batch = self._gather()
        try:
            with deadline(ANSWER_SECONDS):
                replies = await self._live.append(batch)
        except (RedisError, OSError, TimeoutError) as error:
            await self._outage(error)
            return
        if self._down_since is not None:
            log.info("event_log_writable_again")
        self._down_since, self._delay = None, 0.05
        for (written, events), last in zip(batch, replies, strict=True):
            self._settle(written, events, last)

    def _gather(self) -> Batch:
        batch: Batch = []
        room = BATCH_EVENTS
        for dirty in islice(self._dirty, BATCH_EVENTS):
            events = dirty.events[dirty.written : min(dirty.ready, dirty.written + room)]
            batch.append((dirty, events))
            self._dirty[dirty] = dirty.written + len(events) < dirty.ready
            room -= len(events)
            if room <= 0:
                break
        return batch

    def _settle(self, written: RunLog, events: Sequence[Event], last: int) -> None:
        soon = self._dirty.pop(written)
        if last == FENCED or last > len(written.events):
            written.fail(RunLost())
            return
        written.acknowledge(last)
        if last < written.ready:
            # What came meanwhile may wait, unless somebody does, or some of these are missing.
            missing = not events or last < events[-1].seq
            self.mark(written, soon=soon or missing)

    async def _outage(self, error: Exception) -> None:
        """Keep everything and try again; runs that waited too long are told to end."""
        moment = time.monotonic()
        if self._down_since is None:
            self._down_since = moment
            log.warning("event_log_not_writable", error=repr(error))
        if moment - self._down_since > OUTAGE_SECONDS:
            for waiting in list(self._dirty):
                waiting.fail(EventLogUnavailable("Valkey could not be written to; try again."))
        await asyncio.sleep(self._delay)
        self._delay = min(self._delay * 2, 1.0)
