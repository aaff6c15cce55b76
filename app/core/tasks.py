"""Ending background tasks."""

import asyncio
import time
from collections.abc import Iterable
from typing import Any


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
