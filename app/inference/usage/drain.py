"""From the Valkey stream into Postgres, whoever wrote it, and what dead processes left open."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

import orjson
from redis.exceptions import RedisError, ResponseError
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from app.core.db import Database
from app.core.kernel import Valkey
from app.core.log import get_logger
from app.inference.usage import crud
from app.runs.runs.lease import Lease

log = get_logger(__name__)

# One entry is what a process wrote at once: a JSON array of records.
STREAM: Final = "usage:calls"
FIELD: Final = b"records"
# A hash of how calls began that have not ended since, by their ids.
STARTS: Final = "usage:starts"
GROUP: Final = "ledger"
ENTRIES = 1000
IDLE_SECONDS = 0.5
CLOSE_SECONDS = 3.0
CATCH_UP_SECONDS = 5.0
# What may take the place of what.
RANKS: Final = {"started": 0, "interrupted": 1}
# SQLSTATE's classes for data, integrity and limits.
UNFIT: Final = frozenset({"22", "23", "54"})
STORE_ERRORS = (SQLAlchemyError, RedisError, OSError, TimeoutError)

Record = dict[str, Any]
Sweep = Callable[[], Awaitable[None]]
Entries = list[tuple[bytes, dict[bytes, bytes]]]


class Drain:
    """Delivery is at least once; the rows come out the same however often a record comes."""

    def __init__(
        self,
        database: Database,
        valkey: Valkey,
        lease: Lease,
        seconds: float,
        sweep: Sweep,
    ) -> None:
        self._database = database
        self._valkey = valkey
        self._lease = lease
        self._seconds = seconds
        self._sweep = sweep
        self._ready = False
        self._behind = False
        self._turn = asyncio.Lock()
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._work(), name="usage drain")

    async def close(self) -> None:
        """Store what is there, for a bounded time; the rest waits in the stream."""
        self._closing.set()
        if self._task:
            # Not a cancellation alone: a client of Valkey may take it for a lost connection.
            await asyncio.wait([self._task], timeout=CLOSE_SECONDS)
            self._task.cancel()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.drain()
        except STORE_ERRORS as error:
            log.warning("usage_left_in_stream", error=repr(error))

    async def _work(self) -> None:
        swept = 0.0
        while not self._closing.is_set():
            try:
                await self.drain()
                if time.monotonic() - swept > self._seconds:
                    swept = time.monotonic()
                    await self.adopt(self._seconds * 2)
                    await self._sweep()
            except Exception as error:  # noqa: BLE001 - a ledger that nobody writes is worse
                self._ready, self._behind = False, True
                log.warning("usage_not_drained", error=repr(error))
            with suppress(TimeoutError):
                async with asyncio.timeout(IDLE_SECONDS):
                    await self._closing.wait()

    async def drain(self) -> None:
        """Store everything that stands in the stream now."""
        async with self._turn:
            await self._open_group()
            try:
                await self._store_all()
            except ResponseError as error:
                if "NOGROUP" not in str(error):
                    raise
                # Valkey has lost its data.
                self._ready = False
                await self._open_group()
                await self._store_all()

    async def _store_all(self) -> None:
        # First: a call that ends meanwhile is in the stream, or stored as begun.
        await self._store_starts()
        if self._behind:
            while await self._store(await self._read("0")):
                pass
            self._behind = False
        # What comes while this is being stored waits for the next time: many rows cost little more.
        while await self._store(await self._read(">")) == ENTRIES:
            pass

    async def _store_starts(self) -> None:
        """Store how calls began that are under way; others may store the same meanwhile."""
        cursor = 0
        while True:
            found: Any = await self._valkey.hscan(STARTS, cursor, count=ENTRIES)
            cursor, starts = found
            if starts:
                await self._merge([(call, {FIELD: b"[%b]" % row}) for call, row in starts.items()])
                await self._valkey.hdel(STARTS, *starts)
            if not cursor:
                return

    async def catch_up(self, seconds: float = CATCH_UP_SECONDS) -> None:
        """Store everything that stands in the stream now, and see what others have taken stored.

        Raises TimeoutError where another process does not finish in time.
        """
        newest = await self._valkey.xrevrange(STREAM, count=1)
        await self.drain()
        async with asyncio.timeout(seconds):
            while newest and await self._waits_before(newest[0][0]):
                await asyncio.sleep(0.01)
                await self.adopt(seconds / 2)

    async def _waits_before(self, identity: Any) -> bool:
        """Whether a process has taken an entry up to this one and has not stored it yet."""
        pending = await self._valkey.xpending_range(STREAM, GROUP, "-", identity, 1)
        return bool(pending)

    async def adopt(self, idle_seconds: float) -> None:
        """Store what another process took and has not finished for so long."""
        async with self._turn:
            start: Any = "0-0"
            while True:
                start, entries, *_ = await self._valkey.xautoclaim(
                    STREAM,
                    GROUP,
                    self._lease.executor_id,
                    int(idle_seconds * 1000),
                    start_id=start,
                    count=ENTRIES,
                )
                await self._store(entries)
                if start in (b"0-0", "0-0"):
                    return

    async def _open_group(self) -> None:
        if self._ready:
            return
        try:
            await self._valkey.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        self._ready = True

    async def _read(self, after: str) -> Entries:
        replies: Any = await self._valkey.xreadgroup(
            GROUP, self._lease.executor_id, {STREAM: after}, count=ENTRIES
        )
        if isinstance(replies, dict):
            replies = list(replies.items())
        entries = replies[0][1] if replies else []
        # The protocol's third version wraps the list once more.
        return entries[0] if entries and isinstance(entries[0], list) else entries

    async def _store(self, entries: Entries) -> int:
        if not entries:
            return 0
        await self._merge(entries)
        identities = [identity for identity, _ in entries]
        async with self._valkey.pipeline(transaction=False) as pipe:
            pipe.xack(STREAM, GROUP, *identities)
            pipe.xdel(STREAM, *identities)
            await pipe.execute()
        return len(entries)

    async def _merge(self, entries: Entries) -> None:
        try:
            await crud.merge(self._database, joined(entries))
        except DBAPIError as error:
            if not refused(error):
                raise
            await self._merge_singly(entries)

    async def _merge_singly(self, entries: Entries) -> None:
        """Find the record that the table refuses, so that it does not hold up all others."""
        for record in latest([record for _, fields in entries for record in read(fields)]):
            try:
                await crud.merge(self._database, orjson.dumps([record]))
            except DBAPIError as error:
                if not refused(error):
                    raise
                log.exception("usage_record_refused", record=record)


def refused(error: DBAPIError) -> bool:
    """Tell a record that will never fit the table from a table that cannot be written now."""
    # Not by the error's type: of asyncpg's, one that restarts is told like one that refuses.
    return str(getattr(error.orig, "sqlstate", None))[:2] in UNFIT


def joined(entries: Entries) -> bytes:
    """The records of all entries as one JSON array; nobody reads into them here."""
    return b"[%b]" % b",".join([fields.get(FIELD, b"?")[1:-1] for _, fields in entries])


def read(fields: dict[bytes, bytes]) -> list[Record]:
    try:
        records: list[Record] = orjson.loads(fields[FIELD])
    except (KeyError, ValueError):
        log.exception("usage_record_unreadable", fields=repr(fields)[:2000])
        return []
    return records


def latest(records: list[Record]) -> list[Record]:
    """One record a call; an end wins over a start, and a known end over a guess."""
    found: dict[str, Record] = {}
    for record in records:
        known = found.get(record["id"])
        if known is None or RANKS.get(record["status"], 2) >= RANKS.get(known["status"], 2):
            found[record["id"]] = record
    return list(found.values())
