"""A provider of another dialect, answered for in OpenAI's words."""

import asyncio
from collections.abc import AsyncGenerator

from app.inference.dialects.ask import Ask
from app.inference.dialects.dialect import Dialect, Renderer
from app.inference.integrations.directory import Target
from app.inference.providers.errors import ProviderError
from app.inference.providers.types import ChatRequest, StreamEvent
from app.inference.relay.metered import Meter
from app.inference.relay.reply import Reply

MAX_WAITING_BYTES = 256 * 1024


class Translation:
    """Serves one call through its adapter."""

    def __init__(
        self, dialect: Dialect, target: Target, request: ChatRequest, ask: Ask, meter: Meter
    ) -> None:
        self._dialect = dialect
        self._provider = target.endpoint.provider
        self._request = request
        self._ask = ask
        self._meter = meter

    async def serve(self, reply: Reply) -> None:
        """Answer; raises the ProviderError of a call whose answer has not begun."""
        if self._ask.streaming:
            await self._stream(reply)
            return
        result = await self._provider.complete(self._request)
        self._meter.usage = result.usage
        await self._meter.recorded
        await reply.json(self._dialect.render(result, self._request.model))

    async def _stream(self, reply: Reply) -> None:
        renderer = self._dialect.renderer(self._ask, self._request.model)
        pump = Pump(self._provider.stream(self._request), renderer)
        try:
            block = await pump.take()
            self._meter.mark_first_token()
            await self._meter.recorded
            while block:
                await reply.stream(block)
                block = await pump.take()
            await reply.stream(b"", more=False)
        except ProviderError as error:
            if not reply.begun:
                raise
            self._meter.failure = error
            await reply.stream(self._dialect.error_event(error), more=False)
        finally:
            self._meter.usage = renderer.usage
            # Some providers count the input at the beginning and the output only at the end.
            self._meter.usage_is_partial = not renderer.finished
            self._meter.output_tokens = -(-renderer.written // 4)
            await pump.close()


class Pump:
    """Renders events as they come, so that all of one read leave in one send."""

    def __init__(self, events: AsyncGenerator[StreamEvent, None], renderer: Renderer) -> None:
        self._events = events
        self._renderer = renderer
        self._blocks: list[bytes] = []
        self._size = 0
        self._ready = asyncio.Event()
        self._room = asyncio.Event()
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(lambda _: self._ready.set())

    async def take(self) -> bytes:
        """Give what has come, or wait for it; empty at the end. Raises what the stream raised."""
        while not self._blocks:
            if self._task.done():
                self._task.result()
                return b""
            self._ready.clear()
            await self._ready.wait()
        block = b"".join(self._blocks)
        self._blocks.clear()
        self._size = 0
        self._room.set()
        return block

    async def close(self) -> None:
        """Close the provider's connection, now."""
        self._task.cancel()
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.exception()
        await self._events.aclose()

    async def _run(self) -> None:
        async for event in self._events:
            if block := self._renderer.render(event):
                self._blocks.append(block)
                self._size += len(block)
                self._ready.set()
            if self._size > MAX_WAITING_BYTES:
                self._room.clear()
                await self._room.wait()
