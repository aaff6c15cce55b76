"""uvicorn's way of sending an answer, with its head and the first of its body in one write.

uvicorn writes the two one after the other, which are two system calls for every short answer, and
looks for what a header must not hold in each header by itself.
"""

import asyncio
import re
from typing import Final

from uvicorn._types import ASGISendEvent, HTTPResponseBodyEvent, HTTPResponseStartEvent
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from app.core.waiting import running_loop

NAME: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# What a value may hold: anything but control characters, of which a tab is none here.
FINE: Final = bytes(each for each in range(256) if each == 9 or (each >= 32 and each != 127))
# A body up to this size leaves in one write with its head.
JOINED_BYTES: Final = 64 * 1024
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


class JoinedCycle(RequestResponseCycle):
    """One request and its answer.

    A head whose body does not follow in the same step of the loop leaves by itself.
    """

    _head = b""
    _lonely: asyncio.Handle | None = None
    _says_close = False

    async def send(self, message: ASGISendEvent) -> None:
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
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
            await super().send(message)

    def _begin(self, message: HTTPResponseStartEvent) -> None:
        self.response_started = True
        self.waiting_for_100_continue = False
        headers = [*self.default_headers, *message.get("headers", ())]
        for at, (name, value) in enumerate(headers):
            if name not in PLAIN:
                headers[at] = self._heed(name, value)
        lines = b"\r\n".join(map(b": ".join, headers))
        # One search for all of them: what is there beside our own ends of lines came in a header.
        if lines.translate(None, FINE) != b"\r\n" * (len(headers) - 1):
            raise RuntimeError("Invalid HTTP header value.")
        status = message["status"]
        ending = b"\r\n" if headers else b""
        if not (self.keep_alive or self._says_close):
            ending += b"connection: close\r\n"
        if (
            self.chunked_encoding is None
            and self.scope["method"] != "HEAD"
            and status not in BODILESS
        ):
            self.chunked_encoding = True
            ending += b"transfer-encoding: chunked\r\n"
        self._head = b"%b%b%b\r\n" % (STATUS_LINE[status], lines, ending)
        self._lonely = running_loop().call_soon(self._leave)

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
        if self._head:
            self._join(body)
        elif body:
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

    def _join(self, body: bytes) -> None:
        """Send the head with the first of the body."""
        if len(body) > JOINED_BYTES:
            self._leave()
        else:
            body = self._head + body
            self._rest()
        self.transport.write(body)

    def _leave(self) -> None:
        """Send the head, whose body has not come yet."""
        head = self._head
        self._rest()
        if head and not self.transport.is_closing():
            self.transport.write(head)

    def _rest(self) -> None:
        self._head = b""
        if self._lonely is not None:
            self._lonely.cancel()
            self._lonely = None


def closes(value: bytes) -> bool:
    """Whether a Connection header says that the connection ends with this answer."""
    return b"close" in [token.strip() for token in value.lower().split(b",")]
