"""A server-sent event response that notices a reader who left and drops one who is too slow."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.core.log import get_logger
from app.core.waiting import deadline

log = get_logger(__name__)

HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    "x-accel-buffering": "no",
}


class EventStream(Response):
    """Sends each block of frames as it comes.

    Backpressure is the socket's own: while the reader does not read, nothing is taken from
    `frames`. A reader that stays away for `slow_reader_seconds` is dropped and may resume.
    """

    def __init__(
        self,
        frames: AsyncGenerator[bytes, None],
        *,
        slow_reader_seconds: float,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status_code=status_code, headers={**HEADERS, **(headers or {})})
        del self.headers["content-length"]
        self._frames = frames
        self._slow_reader_seconds = slow_reader_seconds

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        pump = asyncio.create_task(self._pump(send))
        gone = asyncio.create_task(_disconnected(receive))
        try:
            await asyncio.wait({pump, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (pump, gone):
                task.cancel()
            with suppress(asyncio.CancelledError):
                await gone
            try:
                with suppress(asyncio.CancelledError):
                    await pump
            finally:
                await self._frames.aclose()

    async def _pump(self, send: Send) -> None:
        async for block in self._frames:
            try:
                with deadline(self._slow_reader_seconds):
                    await send({"type": "http.response.body", "body": block, "more_body": True})
            except TimeoutError:
                log.info("slow_reader_dropped")
                raise SlowReader from None
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class SlowReader(ConnectionError):
    """The reader took nothing for too long; its connection is cut and it may resume."""


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
