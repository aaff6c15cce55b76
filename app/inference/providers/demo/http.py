"""A small HTTP/1.1 server on asyncio that lets its handler break the protocol at will."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, urlsplit

MAX_HEAD_BYTES = 64 * 1024
MAX_BODY_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class HttpRequest:
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


class HttpExchange:
    """A request and the way to answer it: whole, in chunks, or not at all."""

    def __init__(
        self, request: HttpRequest, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.request = request
        self._reader = reader
        self._writer = writer

    @property
    def gone(self) -> bool:
        """Whether the client has hung up."""
        return self._writer.is_closing() or self._reader.at_eof()

    async def send(
        self,
        status: int,
        body: bytes,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        extra = {"content-length": str(len(body))} | dict(headers or {})
        self._writer.write(head(status, content_type, extra) + body)
        await self._writer.drain()

    async def start(self, content_type: str = "text/event-stream") -> None:
        self._writer.write(head(200, content_type, {"transfer-encoding": "chunked"}))
        await self._writer.drain()

    async def write(self, chunk: bytes) -> None:
        self._writer.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        await self._writer.drain()

    async def end(self) -> None:
        self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()

    async def until_gone(self) -> None:
        """Say nothing until the client hangs up."""
        await self._reader.read(1)

    def abort(self) -> None:
        """Break the TCP connection off."""
        self._writer.transport.abort()


Handler = Callable[[HttpExchange], Awaitable[None]]


class HttpServer:
    """Serves on loopback while entered; `in_flight` and `open_connections` count what is live."""

    def __init__(self, handler: Handler, port: int = 0) -> None:
        self.in_flight = 0
        self._handler = handler
        self._port = port
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def open_connections(self) -> int:
        return len(self._connections)

    @property
    def port(self) -> int:
        return self._port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self._port, limit=MAX_HEAD_BYTES, backlog=1024
        )
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            return
        self._connections.add(task)
        try:
            while (request := await read_request(reader)) is not None:
                self.in_flight += 1
                try:
                    await self._handler(HttpExchange(request, reader, writer))
                finally:
                    self.in_flight -= 1
                if writer.is_closing():
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            writer.transport.abort()
        except asyncio.CancelledError:
            # asyncio's own stream callback would log the cancellation of a server that stops.
            writer.transport.abort()
        finally:
            self._connections.discard(task)
            writer.close()


def head(status: int, content_type: str, headers: Mapping[str, str]) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Overloaded" if status == 529 else "Unknown"
    fields = {"content-type": content_type} | dict(headers)
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} {phrase}\r\n{lines}\r\n".encode("latin-1")


async def read_request(reader: asyncio.StreamReader) -> HttpRequest | None:
    """Read the next request of a connection; None where it ends or is no HTTP."""
    raw = await reader.readuntil(b"\r\n\r\n")
    line, *fields = raw.decode("latin-1").split("\r\n")
    method, _, rest = line.partition(" ")
    target = urlsplit(rest.rpartition(" ")[0])
    headers = {}
    for field in fields:
        name, _, value = field.partition(":")
        headers[name.strip().lower()] = value.strip()
    body = await read_body(reader, headers)
    if body is None or not target.path:
        return None
    return HttpRequest(method, target.path, dict(parse_qsl(target.query)), headers, body)


async def read_body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes | None:
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return await read_chunked(reader)
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
        return None
    return await reader.readexactly(int(length))


async def read_chunked(reader: asyncio.StreamReader) -> bytes | None:
    body = bytearray()
    while True:
        line = (await reader.readuntil(b"\r\n")).partition(b";")[0].strip()
        try:
            size = int(line, 16)
        except ValueError:
            return None
        if size < 0 or len(body) + size > MAX_BODY_BYTES:
            return None
        body += (await reader.readexactly(size + 2))[:-2]
        if size == 0:
            return bytes(body)
