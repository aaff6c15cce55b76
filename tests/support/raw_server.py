"""A server that says exactly the bytes a test wants, when it wants them."""

import asyncio
import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Self

CHUNKED_END = b"0\r\n\r\n"


class RawConnection:
    """One accepted connection; `number` counts from 1."""

    def __init__(
        self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.number = number
        self.reader = reader
        self._writer = writer

    async def request(self) -> bytes:
        """The next request, head and body; raises IncompleteReadError where none comes."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        lowered = head.lower()
        if b"transfer-encoding: chunked" in lowered:
            return head + await self.reader.readuntil(CHUNKED_END)
        _, found, rest = lowered.partition(b"content-length: ")
        length = int(rest.split(b"\r\n")[0]) if found else 0
        return head + await self.reader.readexactly(length)

    async def send(self, *pieces: bytes, pause: float = 0.0) -> None:
        for piece in pieces:
            self._writer.write(piece)
            await self._writer.drain()
            await asyncio.sleep(pause)

    async def until_gone(self) -> None:
        """Wait until the client has hung up."""
        with suppress(ConnectionError):
            while await self.reader.read(65536):
                pass

    def close(self) -> None:
        self._writer.close()

    def abort(self) -> None:
        self._writer.transport.abort()

    def say_goodbye(self) -> None:
        """End the connection for the peer at once, before the loop's next turn."""
        with socket.socket(fileno=os.dup(self._writer.get_extra_info("socket").fileno())) as same:
            same.shutdown(socket.SHUT_RDWR)

    def tls(self) -> ssl.SSLObject:
        return self._writer.get_extra_info("ssl_object")


Script = Callable[[RawConnection], Awaitable[None]]


class RawServer:
    """Runs `script` for each connection while entered."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        self.script = script
        self.connections = 0
        self.open_connections = 0
        self.requests: list[bytes] = []
        self._tls = tls
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://localhost:{self.port}/v1/x"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", 0, ssl=self._tls, limit=1024 * 1024
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._tasks.add(task)
        self.connections += 1
        self.open_connections += 1
        try:
            await self.script(RawConnection(self.connections, reader, writer))
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            self.open_connections -= 1
            self._tasks.discard(task)
            writer.close()


def whole(body: bytes = b"ok", *fields: bytes, status: bytes = b"200 OK") -> bytes:
    lines = [b"HTTP/1.1 " + status, b"content-length: %d" % len(body), *fields]
    return b"\r\n".join([*lines, b"", body])


def chunked(chunks: Iterable[bytes], *fields: bytes) -> bytes:
    lines = [b"HTTP/1.1 200 OK", b"transfer-encoding: chunked", *fields]
    body = b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in chunks if each)
    return b"\r\n".join([*lines, b"", body]) + CHUNKED_END


def answering(*answers: bytes) -> Script:
    """Answer the requests of every connection with these, the last one again and again."""

    async def script(connection: RawConnection) -> None:
        waiting = list(answers)
        while True:
            await connection.request()
            await connection.send(waiting.pop(0) if len(waiting) > 1 else waiting[0])

    return script
