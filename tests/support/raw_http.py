"""HTTP by hand: what no well-behaved client would send."""

import asyncio
from collections.abc import AsyncIterable, Iterable
from contextlib import suppress

import httpx2

SECONDS = 20


async def exchange(
    address: str,
    method: str,
    target: bytes,
    headers: Iterable[tuple[bytes, bytes]] = (),
    body: bytes | AsyncIterable[bytes] = b"",
) -> httpx2.Response:
    """Send these very bytes on a connection of their own and read the answer to its end.

    The answer may come before the body is sent; what is left of the body is not sent then.
    """
    host, port = address.removeprefix("http://").split(":")
    async with asyncio.timeout(SECONDS):
        reader, writer = await asyncio.open_connection(host, int(port))
        lines = [method.encode() + b" " + target + b" HTTP/1.1", b"Host: " + host.encode()]
        lines += [name + b": " + value for name, value in (*headers, (b"Connection", b"close"))]
        writer.write(b"\r\n".join([*lines, b"", b""]))
        sending = asyncio.create_task(_send(writer, body))
        try:
            return parse(await _read(reader))
        finally:
            sending.cancel()
            with suppress(asyncio.CancelledError):
                await sending
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


async def _read(reader: asyncio.StreamReader) -> bytes:
    """All that comes, until the end or until the peer resets what it has answered."""
    read = b""
    with suppress(ConnectionError):
        while piece := await reader.read(65_536):
            read += piece
    return read


async def _send(writer: asyncio.StreamWriter, body: bytes | AsyncIterable[bytes]) -> None:
    with suppress(ConnectionError):
        if isinstance(body, bytes):
            writer.write(body)
            await writer.drain()
            return
        async for piece in body:
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await writer.drain()
        writer.write(b"0\r\n\r\n")


def parse(raw: bytes) -> httpx2.Response:
    head, _, body = raw.partition(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")
    headers = [tuple(line.split(b": ", 1)) for line in lines]
    known = [(name, value) for name, value in headers if name.lower() != b"transfer-encoding"]
    return httpx2.Response(int(status.split()[1]), headers=known, content=body)


def as_pairs(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]
