"""An async generator of events read as `Events`: with deadlines, and closed at once."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from app.inference.providers.errors import ProviderError, ProviderGarbled, ProviderTimedOut
from app.inference.providers.types import Finished, StreamEvent, UsageReport

# A reader that is slower than its provider lets it wait from here on.
MOST_WAITING = 256


class PumpedEvents:
    """A task reads the generator, so that closing it needs nobody to wait.

    A stream that ends without `Finished` is garbled, and what comes after it is not read. `fault`
    makes the error that an exception of the generator is.
    """

    def __init__(
        self,
        stream: AsyncGenerator[StreamEvent, None],
        name: str,
        idle_seconds: float,
        fault: Callable[[Exception], ProviderError],
    ) -> None:
        self._name = name
        self._idle_seconds = idle_seconds
        self._fault = fault
        self._ready: list[StreamEvent] = []
        self._failure: ProviderError | None = None
        self._ended = False
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._task = asyncio.create_task(self._pump(stream))

    async def begin(self, seconds: float) -> None:
        """Wait for the first event that is more than a count of tokens."""
        try:
            async with asyncio.timeout(seconds):
                while all(isinstance(event, UsageReport) for event in self._ready):
                    if self._failure is not None:
                        raise self._failure
                    if self._ended:
                        return
                    await self._more()
        except TimeoutError:
            raise ProviderTimedOut(self._name, "no first token in time.") from None

    async def read(self) -> list[StreamEvent]:
        """The events that have arrived, or the next ones; empty at the end.

        What came before a fault is given before the fault is raised.
        """
        while not self._ready:
            if self._failure is not None:
                raise self._failure
            if self._ended:
                return []
            try:
                async with asyncio.timeout(self._idle_seconds):
                    await self._more()
            except TimeoutError:
                self.close()
                said = "nothing came for too long in the middle of its answer."
                raise ProviderTimedOut(self._name, said) from None
        ready, self._ready = self._ready, []
        self._room.set()
        return ready

    def close(self) -> None:
        self._task.cancel()

    async def _more(self) -> None:
        self._news.clear()
        await self._news.wait()

    async def _pump(self, stream: AsyncGenerator[StreamEvent, None]) -> None:
        try:
            async with aclosing(stream):
                finished = await self._read_all(stream)
            if not finished:
                said = "the stream ended without its closing event."
                self._failure = ProviderGarbled(self._name, said)
        except Exception as error:  # noqa: BLE001 - any that another's code can raise
            self._failure = self._fault(error)
        finally:
            self._ended = True
            self._news.set()

    async def _read_all(self, stream: AsyncGenerator[StreamEvent, None]) -> bool:
        async for event in stream:
            if len(self._ready) >= MOST_WAITING:
                self._room.clear()
                await self._room.wait()
            self._ready.append(event)
            self._news.set()
            if isinstance(event, Finished):
                return True
        return False
