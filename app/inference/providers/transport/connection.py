"""One HTTP/1.1 connection on httptools: requests one after the other, each with its answer."""

import asyncio
import math
import re
import select
from collections.abc import Callable
from typing import Any, Final

import httptools

from app.core.corked import Cork, Corked
from app.inference.providers.transport.exchange import Exchange, Fault, Headers

MAX_HEADERS: Final = 256
# Bytes that may come without the head being complete or the body going on: head, trailers.
MAX_MUTE_BYTES: Final = 64 * 1024
# A connection's timer rings this often at least, so that a later deadline costs an addition only.
TICK_SECONDS: Final = 5.0
KEEP_ALIVE: Final = re.compile(rb"\btimeout=(\d{1,6})")


class Connection(asyncio.Protocol):
    """`on_free` takes it back after a clean answer, `on_lost` hears of its end."""

    def __init__(
        self,
        on_free: Callable[["Connection"], None],
        on_lost: Callable[["Connection"], None],
        cork: Cork,
    ) -> None:
        self._cork = cork
        self.transport: Corked | None = None
        self._secured: Any = None
        # What asks the system about its socket, once somebody has.
        self._poll: Callable[[float], list[tuple[int, int]]] | None = None
        # Whether a byte of the present answer has come.
        self.answered = False
        # How long the peer keeps it open without a request, as far as it has told.
        self.keeps_seconds = math.inf
        self._on_free = on_free
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()
        # The fields of a head by their names as they came, and the pieces of a body that one read
        # brings: the parser puts them here by itself.
        self._fields: dict[bytes, bytes] = {}
        self._arrived: list[bytes] = []
        self.on_header = self._fields.setdefault
        self.on_body = self._arrived.append
        self._parser = httptools.HttpResponseParser(self)
        self._exchange: Exchange | None = None
        self._progress = False
        self._mute_bytes = 0
        self._paused = False
        self._uploading = False
        self._writable: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = 0.0
        self._deadline = 0.0

    @property
    def usable(self) -> bool:
        return self.transport is not None and not self.transport.is_closing()

    def is_quiet(self) -> bool:
        """Whether it may be used, and the peer has sent nothing that the loop has not read yet.

        Not even its goodbye: it takes less than a microsecond to ask the system, and saves a
        request that nobody would answer.
        """
        transport = self.transport
        if transport is None or transport.is_closing():
            return False
        if self._poll is None:
            poller = select.poll()
            socket = transport.get_extra_info("socket")
            poller.register(socket.fileno(), select.POLLIN | select.POLLRDHUP)
            self._poll = poller.poll
        return not self._poll(0)

    def ask(self, exchange: Exchange, head: bytes, body: bytes = b"") -> None:
        """Send a request whose answer goes to `exchange`."""
        self._begin(exchange)
        if self.transport is None:
            self.abort()
        else:
            self.transport.write(head + body)

    def begin_upload(self, exchange: Exchange, head: bytes) -> None:
        """Send the head of a request whose body follows by `upload`."""
        self._uploading = True
        self._begin(exchange)
        if self.transport is not None:
            self.transport.write(head)

    async def upload(self, piece: bytes) -> None:
        """Send a piece of the body as a chunk, as soon as the peer takes it."""
        if self._writable is not None:
            await asyncio.shield(self._writable)
        if self.transport is not None and piece:
            self.transport.write(b"%x\r\n%b\r\n" % (len(piece), piece))

    def end_upload(self) -> None:
        if self.transport is not None:
            self.transport.write(b"0\r\n\r\n")
        self._uploading = False

    def expect(self, seconds: float) -> None:
        """Break off unless something comes within so many seconds."""
        self._deadline = due = self._loop.time() + seconds
        if self._timer is None or due < self._rings_at:
            self._set_timer(seconds)

    def remember_session(self) -> None:
        """Let the next connection to the same server take this one's TLS session up."""
        secured = self._secured
        if secured is not None:
            secured.context.remember(secured.server_hostname, secured.session)

    def resume(self) -> None:
        """Take from the socket again."""
        if self._paused and self.usable and self.transport is not None:
            self._paused = False
            self.transport.resume_reading()

    def abort(self, fault: Fault = Fault.LOST) -> None:
        """Close the socket now; who still waits for an answer is told of the fault."""
        exchange, self._exchange = self._exchange, None
        if self.transport is not None:
            self.transport.abort()
        if exchange is not None:
            exchange.fail(fault)

    # What the event loop calls.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = Corked(transport, self._cork)
        self._secured = transport.get_extra_info("ssl_object")

    def connection_lost(self, error: Exception | None) -> None:
        self.transport = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.resume_writing()
        self._on_lost(self)
        exchange, self._exchange = self._exchange, None
        if exchange is None:
            return
        if error is None and exchange.status and ends_by_closing(exchange):
            exchange.finish()
        else:
            exchange.fail(Fault.LOST)

    def data_received(self, data: bytes) -> None:
        if self._exchange is None or self._is_unasked():
            self.abort()
            return
        self.answered = True
        self._progress = False
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.abort(Fault.GARBAGE)
            return
        if self._arrived:
            self._hand_over()
        if self._progress:
            self._mute_bytes = 0
            return
        self._mute_bytes += len(data)
        if self._mute_bytes > MAX_MUTE_BYTES:
            self.abort(Fault.GARBAGE)

    def pause_writing(self) -> None:
        if self._writable is None:
            self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        writable, self._writable = self._writable, None
        if writable is not None and not writable.done():
            writable.set_result(None)

    # What the parser calls.
    def on_message_begin(self) -> None:
        if self._exchange is None:
            # More than one answer to one request.
            self.abort()

    def on_headers_complete(self) -> None:
        status, exchange = self._parser.get_status_code(), self._exchange
        if exchange is None:
            return
        if status < 200:
            self._fields.clear()
        elif len(self._fields) > MAX_HEADERS:
            self.abort(Fault.GARBAGE)
        else:
            self._progress = True
            headers = Headers(self._fields)
            said = headers.find(b"keep-alive")
            if said is not None:
                self._read_keep_alive(said)
            exchange.begin(status, headers)

    def on_message_complete(self) -> None:
        exchange = self._exchange
        if exchange is None or not exchange.status:
            return
        if self._arrived:
            self._hand_over()
        self._exchange = None
        self._progress = True
        exchange.finish()
        transport = self.transport
        if transport is None or not self._parser.should_keep_alive() or self._has_more_to_send():
            self.abort()
        else:
            self.resume()
            self._on_free(self)

    def _hand_over(self) -> None:
        """Give the exchange what has come of its body."""
        arrived, exchange = self._arrived, self._exchange
        if exchange is not None:
            self._progress = True
            chunk = arrived[0] if len(arrived) == 1 else b"".join(arrived)
            if exchange.take(chunk) and not self._paused and self.transport is not None:
                self._paused = True
                self.transport.pause_reading()
        arrived.clear()

    def _begin(self, exchange: Exchange) -> None:
        self.answered = False
        self._exchange = exchange
        # What is left in it are the trailers of the answer before.
        self._fields.clear()
        self._mute_bytes = 0

    def _is_unasked(self) -> bool:
        """Whether the request has not left yet: what comes then is no answer to it."""
        transport = self.transport
        return transport is not None and bool(transport.held) and not self._uploading

    def _read_keep_alive(self, said: bytes) -> None:
        told = KEEP_ALIVE.search(said)
        if told is not None:
            # A second less, so that our next request does not cross their goodbye.
            self.keeps_seconds = max(0.0, int(told[1]) - 1.0)

    def _has_more_to_send(self) -> bool:
        transport = self.transport
        return self._uploading or (transport is not None and transport.get_write_buffer_size() > 0)

    def _set_timer(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        seconds = min(seconds, TICK_SECONDS)
        self._rings_at = self._loop.time() + seconds
        self._timer = self._loop.call_later(seconds, self._ring)

    def _ring(self) -> None:
        self._timer = None
        left = self._deadline - self._loop.time()
        if left > 0:
            self._set_timer(left)
        elif self._exchange is None:
            self.abort()
        elif self._exchange.awaited:
            self.abort(Fault.SILENCE)


def ends_by_closing(exchange: Exchange) -> bool:
    """Whether the end of the connection is the end of this body."""
    framed = "content-length" in exchange.headers or "transfer-encoding" in exchange.headers
    return not framed and exchange.status not in {204, 304}
