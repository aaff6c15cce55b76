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
MOST_NAMES: Final = 1000
BODILESS: Final = (204, 304)

# How the line of a header begins, by its name. Those that say how the body comes are never here.
_lines: dict[bytes, bytes] = {}


class JoinedCycle(RequestResponseCycle):
    """One request and its answer.

    A head whose body does not follow in the same step of the loop leaves by itself.
    """

    _head = b""
    _lonely: asyncio.Handle | None = None

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
        status = message["status"]
        content = [STATUS_LINE[status]]
        values = []
        for name, value in (*self.default_headers, *message.get("headers", ())):
            content.append(_lines.get(name) or self._line(name, value))
            content.append(value)
            content.append(b"\r\n")
            values.append(value)
        if b"".join(values).translate(None, FINE):
            raise RuntimeError("Invalid HTTP header value.")
        if not (self.keep_alive or self._says_close(message)):
            content.append(b"connection: close\r\n")
        if (
            self.chunked_encoding is None
            and self.scope["method"] != "HEAD"
            and status not in BODILESS
        ):
            self.chunked_encoding = True
            content.append(b"transfer-encoding: chunked\r\n")
        content.append(b"\r\n")
        self._head = b"".join(content)
        self._lonely = running_loop().call_soon(self._leave)

    def _line(self, name: bytes, value: bytes) -> bytes:
        """How the line of a header begins that is new here, or says how the body comes."""
        if not NAME.fullmatch(name):
            raise RuntimeError("Invalid HTTP header name.")
        lowered = name.lower()
        line = lowered + b": "
        if lowered == b"content-length":
            if self.chunked_encoding is None:
                self.expected_content_length = int(value)
                self.chunked_encoding = False
        elif lowered == b"transfer-encoding":
            if value.lower() == b"chunked":
                self.expected_content_length = 0
                self.chunked_encoding = True
        elif lowered == b"connection":
            self.keep_alive = self.keep_alive and not closes(value)
        elif len(_lines) < MOST_NAMES:
            _lines[name] = line
        return line

    def _says_close(self, message: HTTPResponseStartEvent) -> bool:
        said = (*self.default_headers, *message.get("headers", ()))
        return any(name.lower() == b"connection" and closes(value) for name, value in said)

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
        self._write(body)
        if more:
            return
        if self.expected_content_length != 0:
            raise RuntimeError("Response content shorter than Content-Length")
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()

    def _write(self, block: bytes) -> None:
        if self._head and len(block) > JOINED_BYTES:
            self._leave()
        if self._head:
            block = self._head + block
            self._rest()
        if block:
            self.transport.write(block)

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
