"""The client's side of a call: what is sent, and how its leaving is noticed."""

import asyncio
from types import TracebackType
from typing import Final, Protocol, Self

from starlette.types import Receive, Send

from app.core.http.event_stream import HEADERS, SlowReader
from app.core.waiting import DONE, deadline, running_loop
from app.inference.calls.reply import Headers
from app.inference.dialects.framing import PING

KIND: Final = HEADERS["content-type"].encode()
STREAM_HEADERS: Final = [
    (name.encode(), value.encode()) for name, value in HEADERS.items() if name != "content-type"
]


class Shape(Protocol):
    """What a surface makes of an answer on its way out; one object serves one answer."""

    @property
    def kind(self) -> bytes:
        """The type of a stream."""
        ...

    def whole(self, body: bytes) -> bytes: ...

    def part(self, block: bytes, *, more: bool) -> bytes:
        """Whole server-sent events, or what keeps a stream open, as this client reads them."""
        ...

    def refusal(self, body: bytes) -> bytes:
        """An error instead of an answer."""
        ...


class Reply:
    """One answer, whole or streamed: `begun` with its head, `ended` with its last bytes.

    `headers` are added to the head. `last` are the events that were sent last. A `shape` changes
    what leaves. Where `keep_alive` was asked for, a ping is sent whenever nothing else was for a
    while, from `watched` on; the first one sends the head, so that what goes wrong from then on has
    to be told in the stream.
    """

    __slots__ = (
        "_beat", "_last", "_ping", "_ping_seconds", "_pinging", "_send", "_slow_reader_seconds",
        "begun", "ended", "headers", "last", "shape",
    )  # fmt: skip

    def __init__(self, send: Send, slow_reader_seconds: float, ping_seconds: float) -> None:
        self.begun = False
        self.ended = False
        self.headers: Headers = []
        self.last = b""
        self.shape: Shape | None = None
        self._send = send
        self._slow_reader_seconds = slow_reader_seconds
        self._ping: bytes | None = None
        self._ping_seconds = ping_seconds
        self._last = 0.0
        self._beat: asyncio.TimerHandle | None = None
        self._pinging: asyncio.Task[None] | None = None

    async def whole(self, status: int, headers: Headers, body: bytes) -> None:
        self.begun = self.ended = True
        told = [*headers, *self.headers]
        await self._send({"type": "http.response.start", "status": status, "headers": told})
        await self._send({"type": "http.response.body", "body": body})

    async def refuse(self, status: int, headers: Headers, body: bytes) -> None:
        """Send an error instead of an answer."""
        if self.shape is not None:
            body = self.shape.refusal(body)
            headers = [each for each in headers if each[0] != b"content-length"]
            headers.append((b"content-length", b"%d" % len(body)))
        await self.whole(status, headers, body)

    async def json(self, body: bytes) -> None:
        if self.shape is not None:
            body = self.shape.whole(body)
        length = (b"content-length", b"%d" % len(body))
        await self.whole(200, [(b"content-type", b"application/json"), length], body)

    async def stream(self, block: bytes, *, more: bool = True, kind: bytes = KIND) -> None:
        """Send the next bytes; a client that takes nothing for too long is dropped.

        They are whole server-sent events unless they are of another `kind`.
        """
        if self._pinging is not None:
            await asyncio.wait([self._pinging])
        if block and not block.startswith(b":"):
            self.last = block
        await self._put(block, more=more, kind=kind)

    def keep_alive(self, ping: bytes = PING) -> None:
        """Have `ping` sent whenever nothing was sent for `ping_seconds`."""
        self._ping = ping
        self._last = running_loop().time()

    def watched(self) -> None:
        """It takes a while: look whether it needs pings. Most answers are never looked after."""
        if self._ping is not None:
            self._on_beat(self._ping)

    def close(self) -> None:
        if self._beat is not None:
            self._beat.cancel()
        if self._pinging is not None:
            self._pinging.cancel()

    async def _put(self, block: bytes, *, more: bool = True, kind: bytes = KIND) -> None:
        if self.shape is not None:
            block, kind = self.shape.part(block, more=more), self.shape.kind
        if not self.begun:
            self.begun = True
            head = [(b"content-type", kind), *STREAM_HEADERS, *self.headers]
            await self._send({"type": "http.response.start", "status": 200, "headers": head})
        self.ended = not more
        sending = self._send({"type": "http.response.body", "body": block, "more_body": more})
        if sending is not DONE:
            try:
                with deadline(self._slow_reader_seconds):
                    await sending
            except TimeoutError:
                raise SlowReader from None
        self._last = running_loop().time()

    def _on_beat(self, ping: bytes) -> None:
        loop = running_loop()
        silent = loop.time() - self._last
        if silent >= self._ping_seconds and not self.ended:
            silent = 0.0
            self._pinging = asyncio.create_task(self._put(ping), name="ping")
            self._pinging.add_done_callback(self._pinged)
        self._beat = loop.call_later(self._ping_seconds - silent, self._on_beat, ping)

    def _pinged(self, task: "asyncio.Task[None]") -> None:
        self._pinging = None
        if not task.cancelled():
            # A reader who is too slow or gone is noticed by who sends the answer.
            task.exception()


# An answer that is ready by then was never watched over: most of them are.
WATCH_AFTER: Final = 0.025
LOOK_EVERY: Final = 0.02


class Lookout:
    """Begins to watch over clients once their answers have taken a while: one timer for all."""

    def __init__(self) -> None:
        self._waiting: dict[ClientWatch, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, watch: "ClientWatch", loop: asyncio.AbstractEventLoop) -> None:
        self._waiting[watch] = loop.time() + WATCH_AFTER
        if self._timer is None:
            self._timer = loop.call_later(LOOK_EVERY, self._look, loop)

    def drop(self, watch: "ClientWatch") -> None:
        self._waiting.pop(watch, None)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        moment, waiting = loop.time(), self._waiting
        due = [watch for watch, at in waiting.items() if at <= moment]
        for watch in due:
            del waiting[watch]
            watch.begin()
        self._timer = loop.call_later(LOOK_EVERY, self._look, loop) if waiting else None


class ClientWatch:
    """Cancels what is done for a client within 50 ms of its hanging up; that is no error."""

    __slots__ = ("_lookout", "_receive", "_reply", "_task", "_watch", "gone")

    def __init__(self, receive: Receive, reply: Reply, lookout: Lookout) -> None:
        self.gone = False
        self._receive = receive
        self._reply = reply
        self._lookout = lookout
        self._task: asyncio.Task[object] | None = None
        self._watch: asyncio.Task[None] | None = None

    def __enter__(self) -> Self:
        loop = running_loop()
        self._task = asyncio.current_task(loop)
        self._lookout.add(self, loop)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if self._watch is None:
            self._lookout.drop(self)
        else:
            self._watch.cancel()
        if not (self.gone and self._task):
            return False
        self._task.uncancel()
        return kind is asyncio.CancelledError

    def begin(self) -> None:
        """Watch from now on."""
        self._reply.watched()
        self._watch = asyncio.create_task(self._look_out())

    async def _look_out(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        # Servers say the same when the answer is complete, and we may still be tidying up.
        if self._task and not self._reply.ended:
            self.gone = True
            self._task.cancel()
