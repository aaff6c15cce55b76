"""Work that returns: what any one process of the service does again after a time.

A job must bear being cut off anywhere, and being run by two processes at once.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Self

from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.core.log import get_logger
from app.core.metrics import JOB_FAILURES
from app.core.tasks import stop_tasks

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """`run` is called about every `every`, by one of the processes."""

    name: str
    every: timedelta
    run: Callable[[], Awaitable[None]]


class Jobs:
    """The jobs of this process, for as long as it is open."""

    def __init__(self, valkey: Redis) -> None:
        self._valkey = valkey
        self._nudges: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        return self

    def take_on(self, jobs: Iterable[Job]) -> None:
        """Run these from now on."""
        for job in jobs:
            self._tasks.append(asyncio.create_task(self._repeat(job), name=f"job-{job.name}"))

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await stop_tasks(self._tasks)

    def nudge(self, name: str) -> None:
        """Run a job now, in this process, or once it is taken on: it has something to do."""
        self._nudges[name].set()

    async def _repeat(self, job: Job) -> None:
        nudge = self._nudges[job.name]
        while True:
            nudged = nudge.is_set()
            nudge.clear()
            try:
                if nudged or await self._is_due(job):
                    await job.run()
            except Exception as error:  # noqa: BLE001 - it is tried again, whatever it was
                JOB_FAILURES.labels(job.name).inc()
                log.warning("job_failed", job=job.name, reason=repr(error))
            try:
                async with asyncio.timeout(job.every.total_seconds()):
                    await nudge.wait()
            except TimeoutError:
                pass

    async def _is_due(self, job: Job) -> bool:
        """Whether no process has run it within its time; the answer marks it as run."""
        milliseconds = max(1, int(job.every.total_seconds() * 900))
        try:
            return bool(await self._valkey.set(f"job:{job.name}", 1, nx=True, px=milliseconds))
        except (RedisError, OSError):
            return False
