"""Readers asleep until there is something new, and the one clock that wakes them otherwise."""

import asyncio
import time

from app.core.waiting import running_loop


class Watcher:
    """One sleeping reader. `wake` before `wait` is not lost."""

    __slots__ = ("_future", "_woken", "due")

    def __init__(self) -> None:
        self.due = 0.0
        self._future: asyncio.Future[None] | None = None
        self._woken = False

    def wake(self) -> None:
        self._woken = True
        if self._future is not None and not self._future.done():
            self._future.set_result(None)

    async def wait(self, due: float) -> None:
        """Sleep until woken, or until the shared clock has passed `due` (monotonic seconds)."""
        if not self._woken:
            self.due = due
            self._future = running_loop().create_future()
            try:
                await self._future
            finally:
                self._future = None
        self._woken = False


class Watchers:
    """The readers of one thing."""

    __slots__ = ("_members",)

    def __init__(self) -> None:
        self._members: set[Watcher] = set()

    def __bool__(self) -> bool:
        return bool(self._members)

    def add(self, watcher: Watcher) -> None:
        self._members.add(watcher)

    def discard(self, watcher: Watcher) -> None:
        self._members.discard(watcher)

    def wake(self) -> None:
        for watcher in self._members:
            watcher.wake()

    def wake_due(self) -> None:
        moment = time.monotonic()
        for watcher in self._members:
            if watcher.due <= moment:
                watcher.wake()
