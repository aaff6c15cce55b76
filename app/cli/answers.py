"""uvicorn's way of one request and its answer, at less work.

uvicorn looks for what a header must not hold in each header by itself, each time.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Final

from uvicorn._types import (
    ASGIReceiveEvent,
    ASGISendEvent,
    HTTPRequestEvent,
    HTTPResponseBodyEvent,
    HTTPResponseStartEvent,
    HTTPScope,
)
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from app.core.waiting import DONE

NAME: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# What a value may hold: anything but control characters, of which a tab is none here.
FINE: Final = bytes(each for each in range(256) if each == 9 or (each >= 32 and each != 127))
BODILESS: Final = (204, 304)
# Names that are known to be names, in lower case, and that do not say how a body comes. What is
# not among them is looked at each time.
PLAIN: Final = frozenset(
    name.encode()
    for name in (
        "age", "cache-control", "content-encoding", "content-security-policy", "content-type",
        "cross-origin-opener-policy", "cross-origin-resource-policy", "date", "etag", "link",
        "location", "permissions-policy", "ratelimit", "ratelimit-policy", "referrer-policy",
        "retry-after", "strict-transport-security", "vary", "x-accel-buffering",
        "x-content-type-options", "x-luminous-attempts", "x-luminous-cache", "x-luminous-call-id",
        "x-luminous-guardrails", "x-luminous-model", "x-luminous-route",
        "x-ratelimit-limit-requests", "x-ratelimit-limit-tokens", "x-ratelimit-remaining-requests",
        "x-ratelimit-remaining-tokens", "x-ratelimit-reset-requests", "x-ratelimit-reset-tokens",
        "x-request-id",
    )
)  # fmt: skip


# Of these many answers have the same value; a line that was found to be fine is kept.
SAME: Final = frozenset(
    name.encode()
    for name in (
        "cache-control", "content-security-policy", "content-type", "cross-origin-opener-policy",
        "cross-origin-resource-policy", "permissions-policy", "ratelimit-policy",
        "referrer-policy", "strict-transport-security", "vary", "x-accel-buffering",
        "x-content-type-options", "x-luminous-attempts", "x-luminous-model", "x-luminous-route",
        "x-ratelimit-limit-requests", "x-ratelimit-limit-tokens",
    )
)  # fmt: skip
MOST_LINES: Final = 512
LONGEST_LINE: Final = 1024
_lines: Final[dict[tuple[bytes, bytes], bytes]] = {}


class Bell:
    """What `asyncio.Event` is, made only where somebody waits: most requests are there at once."""

    __slots__ = ("_event", "rung")

    def __init__(self) -> None:
        self.rung = False
        self._event: asyncio.Event | None = None

    def set(self) -> None:
        self.rung = True
        if self._event is not None:
            self._event.set()

    def clear(self) -> None:
        self.rung = False
        if self._event is not None:
            self._event.clear()

    async def wait(self) -> None:
        if not self.rung:
            if self._event is None:
                self._event = asyncio.Event()
            await self._event.wait()


class LeanCycle(RequestResponseCycle):
    """One request and its answer; the transport is to join head and body (`core.corked`)."""

    message_event: Bell  # type: ignore[assignment]
    # How each begins.
    disconnected = False
    body = b""  # type: ignore[assignment]
    more_body = True
    response_started = False
    response_complete = False
    chunked_encoding = None
    expected_content_length = 0
    _says_close = False

    def __init__(
        self,
        scope: HTTPScope,
        transport: asyncio.Transport,
        flow: FlowControl,
        logger: logging.Logger,
        access_logger: logging.Logger,
        access_log: bool,
        default_headers: list[tuple[bytes, bytes]],
        message_event: Bell,
        expect_100_continue: bool,
        keep_alive: bool,
        on_response: Callable[..., None],
    ) -> None:
        self.scope = scope
        self.transport = transport
        self.flow = flow
        self.logger = logger
        self.access_logger = access_logger
        self.access_log = access_log
        self.default_headers = default_headers
        self.message_event = message_event
        self.waiting_for_100_continue = expect_100_continue
        self.keep_alive = keep_alive
        self.on_response = on_response

    async def receive(self) -> ASGIReceiveEvent:
        if self.waiting_for_100_continue and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.waiting_for_100_continue = False
        if not (self.disconnected or self.response_complete):
            self.flow.resume_reading()
            if not self.message_event.rung:
                await self.message_event.wait()
            self.message_event.clear()
        if self.disconnected or self.response_complete:
            return {"type": "http.disconnect"}
        body, self.body = self.body, b""
        message: HTTPRequestEvent = {
            "type": "http.request",
            "body": bytes(body),
            "more_body": self.more_body,
        }
        return message

    def send(self, message: ASGISendEvent) -> Awaitable[None]:  # type: ignore[override]
        """What is sent at once needs no waiting: it is `DONE`."""
        if self.disconnected:
            return DONE
        if self.flow.write_paused:
            return self._send_later(message)
        return self._send(message)

    async def _send_later(self, message: ASGISendEvent) -> None:
        await self.flow.drain()
        if not self.disconnected:
            await self._send(message)

    def _send(self, message: ASGISendEvent) -> Awaitable[None]:
        if message["type"] == "http.response.start" and not (
            self.response_started or self.access_log
        ):
            self._begin(message)
        elif (
            message["type"] == "http.response.body"
            and self.response_started
            and not self.response_complete
        ):
            self._go_on(message)
        else:
            # Out of order, which it says, or to be logged.
            return super().send(message)
        return DONE

    def _begin(self, message: HTTPResponseStartEvent) -> None:
        self.response_started = True
        self.waiting_for_100_continue = False
        lines: list[bytes] = []
        fresh: list[tuple[bytes, bytes]] = []
        for field in (*self.default_headers, *message.get("headers", ())):
            line = _lines.get(field)
            if line is not None:
                lines.append(line)
            else:
                fresh.append(field if field[0] in PLAIN else self._heed(*field))
        if fresh:
            lines.append(fine(fresh))
        status = message["status"]
        ending = b"\r\n" if lines else b""
        if not (self.keep_alive or self._says_close):
            ending += b"connection: close\r\n"
        if (
            self.chunked_encoding is None
            and self.scope["method"] != "HEAD"
            and status not in BODILESS
        ):
            self.chunked_encoding = True
            ending += b"transfer-encoding: chunked\r\n"
        self.transport.write(b"%b%b%b\r\n" % (STATUS_LINE[status], b"\r\n".join(lines), ending))

    def _heed(self, name: bytes, value: bytes) -> tuple[bytes, bytes]:
        """A header that may say how the body comes; raises where its name is none."""
        lowered = name.lower()
        if lowered == b"content-length":
            if self.chunked_encoding is None:
                self.expected_content_length = int(value)
                self.chunked_encoding = False
        elif lowered == b"transfer-encoding":
            if value.lower() == b"chunked":
                self.expected_content_length = 0
                self.chunked_encoding = True
        elif lowered == b"connection":
            if closes(value):
                self.keep_alive = False
                self._says_close = True
        elif not NAME.fullmatch(name):
            raise RuntimeError("Invalid HTTP header name.")
        return lowered, value

    def _go_on(self, message: HTTPResponseBodyEvent) -> None:
        body, more = message.get("body", b""), message.get("more_body", False)
        if self.scope["method"] == "HEAD":
            self.expected_content_length = 0
            body = b""
        elif self.chunked_encoding:
            framed = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            body = framed if more else framed + b"0\r\n\r\n"
        elif len(body) > self.expected_content_length:
            raise RuntimeError("Response content longer than Content-Length")
        else:
            self.expected_content_length -= len(body)
        if body:
            self.transport.write(body)
        if not more:
            self._end()

    def _end(self) -> None:
        if self.expected_content_length != 0:
            raise RuntimeError("Response content shorter than Content-Length")
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()


def fine(fields: list[tuple[bytes, bytes]]) -> bytes:
    """The lines of these headers; raises where a value holds what would end it."""
    lines = [b": ".join(field) for field in fields]
    joined = b"\r\n".join(lines)
    # One search for all of them: what is there beside our own ends of lines came in a header.
    if joined.translate(None, FINE) != b"\r\n" * (len(lines) - 1):
        raise RuntimeError("Invalid HTTP header value.")
    for field, line in zip(fields, lines, strict=True):
        if field[0] in SAME and len(line) <= LONGEST_LINE:
            if len(_lines) >= MOST_LINES:
                _lines.clear()
            _lines[field] = line
    return joined


def closes(value: bytes) -> bool:
    """Whether a Connection header says that the connection ends with this answer."""
    return b"close" in [token.strip() for token in value.lower().split(b",")]
