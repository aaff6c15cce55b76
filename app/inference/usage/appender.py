"""Group commit: one task writes the call records of this process to a Valkey stream."""

import asyncio
import time
from typing import Final

import orjson
from redis.exceptions import RedisError

from app.core.kernel import Valkey
from app.core.log import get_logger
from app.inference.usage.gateway_call import Record

log = get_logger(__name__)

STREAM: Final = "usage:calls"
FIELD: Final = "records"
BATCH_RECORDS = 1000
# Ends are in no hurry: they wait this long to travel with the next start.
LINGER_SECONDS = 0.01
ANSWER_SECONDS = 2.0
LONGEST_PAUSE = 1.0


class CallAppender:
    """Everything that waits goes in one entry; while Valkey is away it waits here."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey
        self._waiting: list[tuple[bytes, asyncio.Future[None] | None]] = []
        self._wanted = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._writing = 0
        self._down = False
        self._closing = False
        self._pause = 0.05

    @property
    def backlog(self) -> int:
        """How many records are not in Valkey yet."""
        return len(self._waiting) + self._writing

    def start(self) -> None:
        self._task = asyncio.create_task(self._work(), name="usage appender")

    async def close(self, seconds: float = 2.0) -> None:
        await self.flush(seconds)
        if self._timer:
            self._timer.cancel()
        self._closing = True
        self._wanted.set()
        if self._task:
            # Not a cancellation alone: a client of Valkey may take it for a lost connection.
            await asyncio.wait([self._task], timeout=LONGEST_PAUSE)
            self._task.cancel()

    async def flush(self, seconds: float = 2.0) -> None:
        """Write what is waiting, for a bounded time."""
        deadline = time.monotonic() + seconds
        self._wanted.set()
        while self.backlog and time.monotonic() < deadline:  # noqa: ASYNC110 - rare and bounded
            await asyncio.sleep(0.005)

    def add_start(self, record: Record) -> asyncio.Future[None]:
        """Done when the record is safe, or when Valkey is known to be away."""
        written = asyncio.get_running_loop().create_future()
        self._waiting.append((orjson.dumps(record), written))
        if self._down:
            written.set_result(None)
        self._wanted.set()
        return written

    def add_end(self, record: Record) -> None:
        self._waiting.append((orjson.dumps(record), None))
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(LINGER_SECONDS, self._wanted.set)

    async def _work(self) -> None:
        while not self._closing:
            await self._wanted.wait()
            self._wanted.clear()
            if self._timer:
                self._timer.cancel()
                self._timer = None
            while self._waiting and not self._closing:
                await self._write_batch()

    async def _write_batch(self) -> None:
        batch = self._waiting[:BATCH_RECORDS]
        del self._waiting[:BATCH_RECORDS]
        self._writing = len(batch)
        body = b"[%b]" % b",".join([record for record, _ in batch])
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._valkey.xadd(STREAM, {FIELD: body})
        except (RedisError, OSError, TimeoutError) as error:
            self._waiting[:0] = batch
            self._writing = 0
            await self._outage(error)
            return
        self._writing = 0
        if self._down:
            log.info("usage_log_writable_again")
        self._down, self._pause = False, 0.05
        for _, written in batch:
            if written is not None and not written.done():
                written.set_result(None)

    async def _outage(self, error: Exception) -> None:
        """Keep every record, let the calls go on, and try again."""
        if not self._down:
            log.warning("usage_log_not_writable", error=repr(error))
        self._down = True
        for _, written in self._waiting:
            if written is not None and not written.done():
                written.set_result(None)
        await asyncio.sleep(self._pause)
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
