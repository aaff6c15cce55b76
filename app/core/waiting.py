"""Waiting for a bounded time, and the loop that waits, at what they are worth on a busy path."""

import asyncio
import sys
import threading
from collections.abc import Awaitable, Generator
from types import TracebackType
from typing import Any, Final, Self

_here: Final = threading.local()


def _remembered_loop() -> asyncio.AbstractEventLoop:
    """What `asyncio.get_running_loop` says.

    Before Python 3.12 that asks the system for the process's id each time, which takes longer than
    most of what is done with the loop. No thread has two loops that run.
    """
    loop: asyncio.AbstractEventLoop | None = getattr(_here, "loop", None)
    if loop is None or not loop.is_running():
        loop = _here.loop = asyncio.get_running_loop()
    return loop


running_loop = asyncio.get_running_loop if sys.version_info >= (3, 12) else _remembered_loop


class Done:
    """An awaitable that nobody has to wait for."""

    __slots__ = ()

    def __await__(self) -> Generator[None, None, None]:
        return
        yield


# What was done at once: who is given it need not even `await`.
DONE: Final[Awaitable[None]] = Done()


class deadline:  # noqa: N801 - it is read as a noun
    """`with deadline(5):` raises TimeoutError where what is awaited in it takes longer (seconds).

    It is what `asyncio.timeout` is, which asks for the loop four times. Its timer is set once the
    loop has turned: most of what is awaited is there by then.
    """

    __slots__ = ("_at", "_cancelling", "_expired", "_loop", "_seconds", "_task", "_timer")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._expired = False
        self._at = 0.0

    def __enter__(self) -> Self:
        loop = running_loop()
        task = asyncio.current_task(loop)
        if task is None:
            raise RuntimeError("A deadline is for what a task awaits.")
        self._task: asyncio.Task[Any] = task
        self._cancelling = task.cancelling()
        self._at = loop.time() + self._seconds
        self._loop = loop
        self._timer: asyncio.Handle = loop.call_soon(self._set)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        if not self._expired:
            return
        # Who was cancelled by somebody else meanwhile stays cancelled.
        if self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _set(self) -> None:
        self._timer = self._loop.call_at(self._at, self._expire)

    def _expire(self) -> None:
        self._expired = True
        self._task.cancel()
