"""Which processes live: each keeps a key in Valkey, and a last word when it stops."""

import asyncio
import socket
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Literal

from redis.exceptions import RedisError

from app.core.kernel import Kernel, Valkey
from app.core.tasks import stop_tasks

_STOPPED = b"stopped"
_STOPPED_SECONDS = 3600

Loss = Literal["process_lost", "process_stopped", "continued"]


class Lease:
    """This process's own key, renewed from the loop: a loop that stands still is not alive."""

    def __init__(self, valkey: Valkey, seconds: float) -> None:
        self.executor_id = f"{socket.gethostname()}:{uuid.uuid4().hex[:12]}"
        self._valkey = valkey
        self._seconds = seconds
        self._distrust_until = 0.0
        self._turn = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self._renew()
        self._distrust_until = 0.0  # a key that was never there has not been lost
        self._task = asyncio.create_task(self._work(), name="lease")

    async def close(self) -> None:
        """Say that this process has stopped on purpose: its runs are free at once."""
        await stop_tasks([self._task])
        with suppress(RedisError, OSError):
            await self._valkey.set(_key(self.executor_id), _STOPPED, ex=_STOPPED_SECONDS)

    async def roll_call(self, executors: Sequence[str]) -> dict[str, Loss]:
        """Those of them that are gone, and how.

        Valkey may have lost every key in a restart. Whoever misses its own, here or when it is
        renewed, trusts no absence until everyone alive has had the time to renew theirs.
        """
        async with self._turn:
            names = [self.executor_id, *executors]
            own, *values = await self._valkey.mget([_key(name) for name in names])
        if own is None:
            await self._renew()
        trusted = time.monotonic() >= self._distrust_until
        gone: dict[str, Loss] = {}
        for name, value in zip(executors, values, strict=True):
            if value == _STOPPED:
                gone[name] = "process_stopped"
            elif value is None and trusted:
                gone[name] = "process_lost"
        return gone

    async def _renew(self) -> None:
        async with self._turn:
            milliseconds = int(self._seconds * 1000)
            key = _key(self.executor_id)
            before = await self._valkey.set(key, b"alive", px=milliseconds, get=True)
            if before is None:
                self._distrust_until = time.monotonic() + self._seconds

    async def _work(self) -> None:
        while True:
            await asyncio.sleep(self._seconds / 4)
            with suppress(RedisError, OSError):
                async with asyncio.timeout(self._seconds / 2):
                    await self._renew()


@asynccontextmanager
async def open_lease(kernel: Kernel) -> AsyncIterator[Lease]:
    """This process's lease, for all that it holds: runs and calls are given away together."""
    lease = Lease(kernel.valkey, kernel.settings.run_lease_seconds)
    await lease.start()
    try:
        yield lease
    finally:
        await lease.close()


def _key(executor_id: str) -> str:
    return f"executor:{executor_id}"
