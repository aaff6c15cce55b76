"""Work in the background: small pieces of it, and the end of long ones."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from app.core.log import get_logger

log = get_logger(__name__)

MOST_WAITING: Final = 1000
AT_ONCE: Final = 4
ENDING_SECONDS: Final = 5.0


class Background:
    """Small pieces of work that no answer waits for.

    A few run at once, so that they never take every connection. Beyond a thousand waiting ones
    another is dropped, and the log says so. `close` has what waits done, for a bounded time.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._turns = asyncio.Semaphore(AT_ONCE)

    def soon(self, what: str, work: Callable[[], Awaitable[object]]) -> None:
        """Have this done; a store that fails it is logged, under the name `what`."""
        if len(self._tasks) >= MOST_WAITING:
            log.warning("background_work_dropped", what=what)
            return
        task = asyncio.create_task(self._do(what, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Wait for what is under way, then cut off the rest."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=ENDING_SECONDS)
        await stop_tasks(set(self._tasks))

    async def _do(self, what: str, work: Callable[[], Awaitable[object]]) -> None:
        async with self._turns:
            try:
                await work()
            except (SQLAlchemyError, RedisError, OSError) as error:
                log.warning("background_work_failed", what=what, reason=repr(error))


async def stop_tasks(tasks: Iterable[asyncio.Task[Any] | None], seconds: float = 3.0) -> None:
    """Cancel tasks and wait for their end, for a bounded time.

    They are cancelled again and again: a store's client can take a cancellation that arrives in
    mid-command for a failure of its own, and the loop around it then goes on.
    """
    waiting = {task for task in tasks if task is not None and not task.done()}
    deadline = time.monotonic() + seconds
    while waiting and time.monotonic() < deadline:
        for task in waiting:
            task.cancel()
        _, waiting = await asyncio.wait(waiting, timeout=0.2)
