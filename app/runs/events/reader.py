"""Reading a run's log from wherever it is: this process's memory, Valkey, or Postgres."""

import asyncio
import math
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.core.clock import now
from app.core.db import Scope
from app.core.kernel import Kernel
from app.core.tasks import stop_tasks
from app.runs.events import crud
from app.runs.events.errors import EventIdInvalid, EventsExpired
from app.runs.events.event import Event, frames
from app.runs.events.live import LiveLog
from app.runs.events.log import RunLog, channel
from app.runs.events.signals import Signals
from app.runs.events.watchers import Watcher, Watchers

LOOK_SECONDS = 1.0
RETRY = b"retry: 1000\n\n"
PING = b": ping\n\n"

_STORE_ERRORS = (RedisError, DBAPIError, PoolTimeout, OSError)


class Readable(Protocol):
    """What a reader needs of a run; its row will do."""

    @property
    def id(self) -> UUID: ...
    @property
    def workspace_id(self) -> UUID: ...
    @property
    def status(self) -> str: ...
    @property
    def last_seq(self) -> int: ...
    @property
    def ended_at(self) -> datetime | None: ...


FindRun = Callable[[UUID, UUID], Awaitable[Readable | None]]


class EventReader:
    """Every view of a run is drawn from here.

    `find` looks up a run by workspace and id; `local` holds the logs this process owns.
    """

    def __init__(
        self,
        kernel: Kernel,
        live: LiveLog,
        signals: Signals,
        local: dict[UUID, RunLog],
        find: FindRun,
    ) -> None:
        self._kernel = kernel
        self._live = live
        self._signals = signals
        self._local = local
        self._find = find
        self._ping = kernel.settings.stream_ping_seconds
        self._everyone = Watchers()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self._tick(), name="reader clock"),
            asyncio.create_task(self._wake_at_stop(), name="reader stop"),
        ]

    async def close(self) -> None:
        await stop_tasks(self._tasks)
        self._everyone.wake()

    async def check(self, run: Readable, after: int) -> None:
        """Refuse what cannot be read; raises EventIdInvalid and EventsExpired."""
        if run.ended_at is not None:
            last: int | None = run.last_seq
            kept = timedelta(hours=self._kernel.settings.event_retention_hours)
            if run.ended_at + kept <= now():
                raise EventsExpired(f"The run and its result are at /v1/runs/{run.id}.")
        elif log := self._local.get(run.id):
            last = log.visible
        else:
            last = None
            with suppress(RedisError, OSError):
                last = await self._live.last_seq(run.id)
            if run.last_seq:  # it has paused, and that much is kept
                last = max(last or 0, run.last_seq)
        if last is not None and after > last:
            raise EventIdInvalid(f"The log of this run ends at {last}.")

    async def frames(self, run: Readable, after: int = 0) -> AsyncGenerator[bytes, None]:
        """The native dialect: server-sent events, pings while nothing happens."""
        yield RETRY
        async with aclosing(self.batches(run, after)) as batches:
            async for events in batches:
                yield frames(run.id, events) if events else PING

    async def events(self, run: Readable, after: int = 0) -> AsyncGenerator[list[Event], None]:
        """The events after a position as they come, in batches, up to the terminal one.

        Ends without a terminal event only when this process is stopping.
        """
        async with aclosing(self.batches(run, after)) as batches:
            async for events in batches:
                if events:
                    yield events

    async def rests(self, run: Readable, seq: int) -> bool:
        """Whether the run waits now, and its log ends at `seq`."""
        found = await self._look(run)
        return found is not None and found.status == "paused" and found.last_seq == seq

    async def left(self, run_id: UUID) -> None:
        """Wait while a run is under way in this process: until it has ended, or let go of it.

        Its events wake nobody who waits for that alone.
        """
        log = self._local.get(run_id)
        if log is None:
            return
        async with self._watching() as watcher:
            log.waiting.add(watcher)
            try:
                while not (log.concluded or log.abandoned or self._kernel.stopping.is_set()):
                    await watcher.wait(math.inf)
            finally:
                log.waiting.discard(watcher)

    async def settled(self, run: Readable) -> None:
        """Wait until a run has ended, or waits for something; or until this process is stopping."""
        await self.left(run.id)
        if run.ended_at is not None:
            return  # it was launched here, and has been told of its end
        async with aclosing(self.events(run, 0)) as batches:
            async for batch in batches:
                if batch[-1].terminal:
                    return
                if batch[-1].type == "run.paused":
                    found = await self._find(run.workspace_id, run.id)
                    # It may have been woken meanwhile.
                    if found is None or found.ended_at is not None or found.status == "paused":
                        return

    async def batches(self, run: Readable, after: int = 0) -> AsyncGenerator[list[Event], None]:
        """Batches of events; an empty one says that a ping is due."""
        at = after
        async with self._watching() as watcher:
            while not self._kernel.stopping.is_set():
                # The row of a run that was launched here is told of its end while it is read.
                had_ended = run.ended_at is not None
                async with aclosing(self._source(run, at, watcher)) as batches:
                    async for events in batches:
                        yield events
                        if events:
                            at = events[-1].seq
                            if events[-1].terminal:
                                return
                found = None if had_ended else await self._look(run)
                if found is None:
                    return
                run = found

    def _source(
        self, run: Readable, at: int, watcher: Watcher
    ) -> AsyncGenerator[list[Event], None]:
        """Where the next events are to be had."""
        log = self._local.get(run.id)
        if run.ended_at is not None or (log is None and at < run.last_seq):
            return self._archived(run, at, watcher)  # it has ended, or was kept when it paused
        return self._remote(run, at, watcher) if log is None else self._owned(log, at, watcher)

    async def _owned(
        self, log: RunLog, at: int, watcher: Watcher
    ) -> AsyncGenerator[list[Event], None]:
        """From this process's memory, until the run ends or belongs to another."""
        log.watchers.add(watcher)
        pinged = time.monotonic()
        try:
            while not (log.abandoned or self._kernel.stopping.is_set()):
                if log.visible > at:
                    events = log.events[at : log.visible]
                    at = log.visible
                    yield events
                    pinged = time.monotonic()
                elif time.monotonic() >= pinged + self._ping:
                    yield []
                    pinged = time.monotonic()
                else:
                    await watcher.wait(pinged + self._ping)
        finally:
            log.watchers.discard(watcher)

    async def _remote(
        self, run: Readable, at: int, watcher: Watcher
    ) -> AsyncGenerator[list[Event], None]:
        """From Valkey, until the run has ended in Postgres or has come to this process."""
        looked = pinged = time.monotonic()
        async with self._woken_by(run.id, watcher):
            while not self._kernel.stopping.is_set():
                if events := await self._next(run.id, at):
                    at = events[-1].seq
                    yield events
                    looked = pinged = time.monotonic()
                    continue
                moment = time.monotonic()
                if moment >= pinged + self._ping:
                    yield []
                    pinged = moment
                if moment >= looked + LOOK_SECONDS:
                    looked = moment
                    found = await self._look(run)
                    if run.id in self._local or found is None or found.ended_at is not None:
                        return
                await watcher.wait(min(looked + LOOK_SECONDS, pinged + self._ping))

    async def _archived(
        self, run: Readable, at: int, watcher: Watcher
    ) -> AsyncGenerator[list[Event], None]:
        """From Postgres, a page at a time; while it is away, pings."""
        while at < run.last_seq and not self._kernel.stopping.is_set():
            try:
                async with self._kernel.database.unit(Scope(run.workspace_id)) as session:
                    events = await crud.read(session, run.workspace_id, run.id, at)
            except _STORE_ERRORS:
                yield []
                await watcher.wait(time.monotonic() + LOOK_SECONDS)
                continue
            if not events:
                return
            at = events[-1].seq
            yield events

    async def _next(self, run_id: UUID, at: int) -> list[Event]:
        try:
            return await self._live.read(run_id, at)
        except (RedisError, OSError):
            return []

    async def _look(self, run: Readable) -> Readable | None:
        """The run's row as it is now, or as it was where Postgres does not answer."""
        try:
            return await self._find(run.workspace_id, run.id)
        except _STORE_ERRORS:
            return run

    @asynccontextmanager
    async def _watching(self) -> AsyncIterator[Watcher]:
        watcher = Watcher()
        self._everyone.add(watcher)
        try:
            yield watcher
        finally:
            self._everyone.discard(watcher)

    @asynccontextmanager
    async def _woken_by(self, run_id: UUID, watcher: Watcher) -> AsyncIterator[None]:
        def wake(_: bytes) -> None:
            watcher.wake()

        try:
            await self._signals.listen(channel(run_id), wake)
            yield
        finally:
            await self._signals.forget(channel(run_id), wake)

    async def _tick(self) -> None:
        period = min(0.25, self._ping / 4)
        while True:
            await asyncio.sleep(period)
            self._everyone.wake_due()

    async def _wake_at_stop(self) -> None:
        await self._kernel.stopping.wait()
        self._everyone.wake()
