"""Identical calls under way in this process: made once, and heard by all who asked.

The call is a task of its own, so that nobody's leaving ends it for the others; it is cancelled when
the last of them has left.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, Generic, TypeVar

T = TypeVar("T")

# Beyond this an answer is too long to be kept for those who come later: they ask on their own.
MOST_ITEMS: Final = 20_000


class LeaderFailed(Exception):
    """The call that this one waited for has failed before it had anything for it."""


class Flight(Generic[T]):
    """One call under way: what has come so far, and who listens."""

    def __init__(self, produce: AsyncGenerator[T, None]) -> None:
        self._items: list[T] = []
        self._listeners = 0
        self._changed: deque[asyncio.Future[None]] = deque()
        self._produce = produce
        self.error: BaseException | None = None
        self.ended = False
        self.task = asyncio.create_task(self._run(), name="flight")

    @property
    def joinable(self) -> bool:
        return len(self._items) < MOST_ITEMS and not self.ended

    async def listen(self, *, leads: bool) -> AsyncIterator[T]:
        """Everything from the beginning on, as it comes; raises what the call raised.

        Raises LeaderFailed instead to whoever does not lead and has heard nothing yet.
        """
        self._listeners += 1
        heard = 0
        try:
            while True:
                while heard < len(self._items):
                    item = self._items[heard]
                    heard += 1
                    yield item
                if self.ended:
                    break
                await self._change()
            if self.error is not None:
                raise LeaderFailed if heard == 0 and not leads else self.error
        finally:
            self._listeners -= 1
            if self._listeners == 0 and not self.ended:
                self.task.cancel()

    async def _change(self) -> None:
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._changed.append(waiting)
        await waiting

    def _tell(self) -> None:
        while self._changed:
            waiting = self._changed.popleft()
            if not waiting.done():
                waiting.set_result(None)

    async def _run(self) -> None:
        try:
            async for item in self._produce:
                self._items.append(item)
                self._tell()
        except asyncio.CancelledError as error:
            self.error = error
            raise
        except Exception as error:  # noqa: BLE001 - whoever listens gets it, whatever it is
            self.error = error
        finally:
            await self._produce.aclose()
            self.ended = True
            self._tell()


class Flights(Generic[T]):
    """The calls under way, by what makes them the same."""

    def __init__(self) -> None:
        self._flights: dict[str, Flight[T]] = {}

    def __len__(self) -> int:
        return len(self._flights)

    @asynccontextmanager
    async def join(
        self, key: str, produce: Callable[[], AsyncGenerator[T, None]]
    ) -> AsyncIterator[tuple[AsyncIterator[T], bool]]:
        """What the call under this key gives, and whether it was begun for this one.

        Whoever leaves the context listens no longer.
        """
        flight = self._flights.get(key)
        leads = flight is None or not flight.joinable
        if flight is None or leads:
            flight = self._flights[key] = Flight(produce())
            flight.task.add_done_callback(lambda _, made=flight: self._land(key, made))
        heard = flight.listen(leads=leads)
        try:
            yield heard, leads
        finally:
            await heard.aclose()  # type: ignore[attr-defined]

    def _land(self, key: str, flight: Flight[T]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
