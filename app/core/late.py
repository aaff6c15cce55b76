"""What a process opens with its first use."""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import copy_context

from app.core.tasks import stop_tasks


class Late:
    """Opened once, for whoever is the first to ask; who asks meanwhile waits for the same.

    It is opened in the context that this was made in: what begins then is no part of a request.
    """

    def __init__(self, opening: Callable[[], Awaitable[None]]) -> None:
        self._opening = opening
        self._context = copy_context()
        self._task: asyncio.Task[None] | None = None

    @property
    def is_open(self) -> bool:
        task = self._task
        return task is not None and task.done() and not _failed(task)

    async def opened(self) -> None:
        """Raises what its opening raises, to all who wait; whoever asks next has it tried again."""
        if self._task is None or _failed(self._task):
            self._task = asyncio.create_task(self._open(), context=self._context)
        await asyncio.shield(self._task)

    async def close(self) -> None:
        """Give up an opening that is under way; what is open stays so."""
        await stop_tasks([self._task])

    async def _open(self) -> None:
        await self._opening()


def _failed(task: asyncio.Task[None]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
