"""The client's side of a call: what is sent, and how its leaving is noticed."""

import asyncio
from types import TracebackType
from typing import Self

from starlette.types import Receive, Send

from app.core.http.event_stream import HEADERS, SlowReader

STREAM_HEADERS = [(name.encode(), value.encode()) for name, value in HEADERS.items()]


class Reply:
    """One answer, whole or streamed: `begun` with its head, `ended` with its last bytes."""

    __slots__ = ("_send", "_slow_reader_seconds", "begun", "ended")

    def __init__(self, send: Send, slow_reader_seconds: float) -> None:
        self.begun = False
        self.ended = False
        self._send = send
        self._slow_reader_seconds = slow_reader_seconds

    async def whole(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self.begun = self.ended = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})

    async def json(self, body: bytes) -> None:
        length = (b"content-length", b"%d" % len(body))
        await self.whole(200, [(b"content-type", b"application/json"), length], body)

    async def stream(self, block: bytes, *, more: bool = True) -> None:
        """Send the next frames; a client that takes nothing for too long is dropped."""
        if not self.begun:
            self.begun = True
            head = {"type": "http.response.start", "status": 200, "headers": [*STREAM_HEADERS]}
            await self._send(head)
        self.ended = not more
        try:
            async with asyncio.timeout(self._slow_reader_seconds):
                await self._send({"type": "http.response.body", "body": block, "more_body": more})
        except TimeoutError:
            raise SlowReader from None


class ClientWatch:
    """Cancels what is done for a client as soon as it hangs up; that is no error."""

    __slots__ = ("_receive", "_reply", "_task", "_watch", "gone")

    def __init__(self, receive: Receive, reply: Reply) -> None:
        self.gone = False
        self._receive = receive
        self._reply = reply
        self._task: asyncio.Task[object] | None = None
        self._watch: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.current_task()
        self._watch = asyncio.create_task(self._look_out())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if self._watch:
            self._watch.cancel()
        if not (self.gone and self._task):
            return False
        self._task.uncancel()
        return kind is asyncio.CancelledError

    async def _look_out(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        # Servers say the same when the answer is complete, and we may still be tidying up.
        if self._task and not self._reply.ended:
            self.gone = True
            self._task.cancel()
