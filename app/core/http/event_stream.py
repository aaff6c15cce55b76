"""A server-sent event response that notices a reader who left and drops one who is too slow."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from functools import partial
from typing import Final, Literal

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.audit import current_request
from app.core.kernel import Kernel
from app.core.log import get_logger
from app.core.tasks import stop_tasks
from app.core.waiting import deadline

log = get_logger(__name__)

HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    "x-accel-buffering": "no",
}


RECHECK_SECONDS = 15.0
_END: Final = {"type": "http.response.body", "body": b"", "more_body": False}


def let_in(kernel: Kernel) -> Callable[[], Awaitable[bool]] | None:
    """Asks whether who makes this request would be let in still; None where nobody was."""
    facts, resolver = current_request.get(), kernel.resolver
    if resolver is None or facts is None or facts.access is None:
        return None
    return partial(resolver.stands, facts.access)


class EventStream(Response):
    """Sends each block of frames as it comes.

    Backpressure is the socket's own: while the reader does not read, nothing is taken from
    `frames`. A reader that stays away for `slow_reader_seconds` is dropped and may resume. The
    stream ends once its reader is no longer `let_in`.
    """

    def __init__(
        self,
        frames: AsyncGenerator[bytes, None],
        *,
        slow_reader_seconds: float,
        let_in: Callable[[], Awaitable[bool]] | None = None,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status_code=status_code, headers={**HEADERS, **(headers or {})})
        del self.headers["content-length"]
        self._frames = frames
        self._slow_reader_seconds = slow_reader_seconds
        self._let_in = let_in

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        pump = asyncio.create_task(self._pump(send))
        watch = asyncio.create_task(self._watch(receive))
        try:
            await asyncio.wait({pump, watch}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await stop_tasks([pump, watch])
            await self._frames.aclose()
        if not pump.cancelled():
            pump.result()
        elif watch.result() == "shut_out":
            await send(_END)

    async def _watch(self, receive: Receive) -> Literal["gone", "shut_out"]:
        """Wait until the reader is gone, or is let in no more."""
        while True:
            try:
                with deadline(RECHECK_SECONDS):
                    await _disconnected(receive)
            except TimeoutError:
                if self._let_in is not None and not await self._let_in():
                    return "shut_out"
            else:
                return "gone"

    async def _pump(self, send: Send) -> None:
        async for block in self._frames:
            try:
                with deadline(self._slow_reader_seconds):
                    await send({"type": "http.response.body", "body": block, "more_body": True})
            except TimeoutError:
                log.info("slow_reader_dropped")
                raise SlowReader from None
        await send(_END)


async def serve_while(
    app: ASGIApp,
    let_in: Callable[[], Awaitable[bool]] | None,
    scope: Scope,
    receive: Receive,
    send: Send,
) -> None:
    """Serve what streams by itself; an answer that has begun ends once nobody is `let_in`."""
    begun = ended = False

    async def noted(message: Message) -> None:
        nonlocal begun, ended
        begun, ended = True, not message.get("more_body", message["type"] != _END["type"])
        await send(message)

    serving = asyncio.ensure_future(app(scope, receive, noted))
    serving.add_done_callback(lambda done: done.cancelled() or done.exception())  # it is looked at
    try:
        while not (await asyncio.wait([serving], timeout=RECHECK_SECONDS))[0]:
            if begun and let_in is not None and not await let_in():
                await stop_tasks([serving])
                if not ended:
                    await send(_END)
                return
        serving.result()
    finally:
        await stop_tasks([serving])


class SlowReader(ConnectionError):
    """The reader took nothing for too long; its connection is cut and it may resume."""


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
