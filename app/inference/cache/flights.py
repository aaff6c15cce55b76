"""Identical calls under way in this process: made once, and heard by all who asked.

The call is a task of its own, so that nobody's leaving ends it for the others; it is cancelled when
the last of them has left.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Final, Generic, TypeVar

T = TypeVar("T")
Work = Callable[[Callable[[T], None]], Awaitable[None]]

# An answer of more items is not kept for those who come later: they ask on their own.
MOST_ITEMS: Final = 20_000


class LeaderFailed(Exception):
    """The call that this one waited for has failed before it had anything for it."""


class Flight(Generic[T]):
    """One call under way: what has come so far, and who listens."""

    def __init__(self, work: Work[T]) -> None:
        self._items: list[T] = []
        self._listeners = 0
        self._waiting: list[asyncio.Future[None]] = []
        self._error: BaseException | None = None
        self._ended = False
        self.task = asyncio.create_task(self._run(work), name="flight")

    @property
    def joinable(self) -> bool:
        return len(self._items) < MOST_ITEMS and not self._ended

    def enter(self) -> None:
        self._listeners += 1

    def leave(self) -> None:
        """Listen no longer; the call ends with its last listener."""
        self._listeners -= 1
        if not self._listeners and not self._ended:
            self.task.cancel()

    async def listen(self, *, leads: bool) -> AsyncGenerator[T, None]:
        """Everything from the beginning on, as it comes; raises what the call raised.

        Raises LeaderFailed instead to whoever does not lead and has heard nothing yet.
        """
        heard = 0
        while True:
            while heard < len(self._items):
                heard += 1
                yield self._items[heard - 1]
            if self._ended:
                break
            await self._change()
        if self._error is not None:
            raise LeaderFailed if not heard and not leads else self._error

    async def _change(self) -> None:
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        await waiting

    def _put(self, item: T) -> None:
        self._items.append(item)
        self._tell()

    def _tell(self) -> None:
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            if not each.done():
                each.set_result(None)

    async def _run(self, work: Work[T]) -> None:
        try:
            await work(self._put)
        except asyncio.CancelledError as error:
            self._error = error
            raise
        except Exception as error:  # noqa: BLE001 - whoever listens gets it, whatever it is
            self._error = error
        finally:
            self._ended = True
            self._tell()


class Flights(Generic[T]):
    """The calls under way, by what makes them the same."""

    def __init__(self) -> None:
        self._flights: dict[str, Flight[T]] = {}

    def __len__(self) -> int:
        return len(self._flights)

    @asynccontextmanager
    async def join(self, key: str, work: Work[T]) -> AsyncIterator[tuple[AsyncIterator[T], bool]]:
        """What the call under this key gives, and whether it was begun for this one.

        Whoever leaves the context listens no longer.
        """
        flight = self._flights.get(key)
        leads = flight is None or not flight.joinable
        if flight is None or leads:
            flight = self._flights[key] = Flight(work)
            flight.task.add_done_callback(partial(self._land, key, flight))
        flight.enter()
        heard = flight.listen(leads=leads)
        try:
            yield heard, leads
        finally:
            await heard.aclose()
            flight.leave()

    def _land(self, key: str, flight: Flight[T], _: asyncio.Task[None]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
