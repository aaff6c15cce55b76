"""A load generator that costs next to nothing: canned bytes out, answers counted by httptools."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import httptools
import orjson


@dataclass
class Measured:
    """What a burst of load came to; latencies in seconds."""

    done: int = 0
    failed: int = 0
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    said: str = ""

    @property
    def rate(self) -> float:
        return self.done / self.seconds if self.seconds else 0.0

    @property
    def median_ms(self) -> float:
        ordered = sorted(self.latencies)
        return ordered[len(ordered) // 2] * 1000 if ordered else 0.0


class Client(asyncio.Protocol):
    """One connection that asks again as soon as it is answered."""

    def __init__(self, request: bytes, measured: Measured, ending: bytes) -> None:
        self._request = request
        self._measured = measured
        self._ending = ending
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._began = 0.0
        self._tail = b""
        self.stopping = False
        self.closed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._ask()

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - the protocol's
        if not self.stopping:
            self._measured.failed += 1
            self._measured.said = self._measured.said or "the connection was closed"
        if not self.closed.done():
            self.closed.set_result(None)

    def data_received(self, received: bytes) -> None:
        self._parser.feed_data(received)

    def on_body(self, body: bytes) -> None:
        self._tail = body if len(body) > 64 else (self._tail + body)[-400:]

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status == 200 and self._tail.endswith(self._ending):
            self._measured.done += 1
            self._measured.latencies.append(time.perf_counter() - self._began)
        else:
            self._measured.failed += 1
            told = f"{status}: {self._tail[-300:].decode(errors='replace')}"
            self._measured.said = self._measured.said or told
        if self.stopping:
            self._transport.close()
        else:
            asyncio.get_running_loop().call_soon(self._ask)

    def _ask(self) -> None:
        if self.stopping:
            self._transport.close()
            return
        self._parser = httptools.HttpResponseParser(self)
        self._tail = b""
        self._began = time.perf_counter()
        self._transport.write(self._request)


def request_bytes(port: int, path: str, key: str, document: dict) -> bytes:
    body = orjson.dumps(document)
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def press(
    port: int, request: bytes, *, connections: int, seconds: float, ending: bytes
) -> Measured:
    """Keep so many connections busy for so long; a short warm-up is not counted."""
    await _press(port, request, connections, min(1.0, seconds / 4), ending)
    return await _press(port, request, connections, seconds, ending)


async def _press(
    port: int, request: bytes, connections: int, seconds: float, ending: bytes
) -> Measured:
    loop = asyncio.get_running_loop()
    measured = Measured()
    began = time.perf_counter()
    clients: Sequence[Client] = [
        (
            await loop.create_connection(
                lambda: Client(request, measured, ending), "127.0.0.1", port
            )
        )[1]
        for _ in range(connections)
    ]
    await asyncio.sleep(seconds)
    for client in clients:
        client.stopping = True
    await asyncio.wait([client.closed for client in clients], timeout=15)
    measured.seconds = time.perf_counter() - began
    return measured
