"""Load that costs next to nothing: canned bytes out, answers counted by httptools, or wrk."""

import asyncio
import json
import shutil
import subprocess
import tempfile
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
    # With the warm-up: what a server's CPU over the whole of `press` is to be divided by.
    begun: int = 0
    lasted: float = 0.0
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


class Quitter(asyncio.Protocol):
    """One stream that is left, without a goodbye, as soon as it has begun."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self.begun = False
        self.closed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        transport.write(self._request)

    def data_received(self, received: bytes) -> None:
        if b"data: " in received:
            self.begun = True
            self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - the protocol's
        if not self.closed.done():
            self.closed.set_result(None)


async def quit_streams(port: int, request: bytes, count: int, connections: int = 32) -> int:
    """Begin so many streams and leave each; returns how many had begun."""
    loop = asyncio.get_running_loop()
    left, begun = count, 0

    async def worker() -> None:
        nonlocal left, begun
        while left > 0:
            left -= 1
            _, quitter = await loop.create_connection(lambda: Quitter(request), "127.0.0.1", port)
            await asyncio.wait([quitter.closed], timeout=15)
            begun += quitter.begun

    await asyncio.gather(*(worker() for _ in range(connections)))
    return begun


WRK_SCRIPT = """
wrk.method = "POST"
wrk.body = %s
%s
function done(summary, latency, requests)
  local e = summary.errors
  local failed = e.connect + e.read + e.write + e.status + e.timeout
  local form = 'WRK {"requests": %%d, "microseconds": %%d, "median": %%d, "failed": %%d}\\n'
  io.write(form:format(summary.requests, summary.duration, latency:percentile(50), failed))
end
"""


def wrk(
    port: int,
    path: str,
    key: str,
    document: dict,
    *,
    connections: int,
    seconds: float,
    warm: bool = False,
) -> Measured:
    """The same as `press`, by wrk: whole answers, a short warm-up before if it is not `warm`."""
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    lines = "\n".join(f"wrk.headers[{json.dumps(k)}] = {json.dumps(v)}" for k, v in headers.items())
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(WRK_SCRIPT % (json.dumps(json.dumps(document)), lines))
        script.flush()
        common = ["wrk", "-t1", f"-c{connections}", "-s", script.name]
        url = f"http://127.0.0.1:{port}{path}"
        for duration in (max(1, round(seconds)),) if warm else (1, max(1, round(seconds))):
            ran = subprocess.run(
                [*common, f"-d{duration}s", url], check=True, capture_output=True, text=True
            )
    found = json.loads(ran.stdout.rpartition("WRK ")[2])
    measured = Measured(found["requests"] - found["failed"], found["failed"])
    measured.seconds = found["microseconds"] / 1e6
    measured.latencies = [found["median"] / 1e6]
    measured.said = ran.stdout[-300:] if found["failed"] else ""
    return measured


def has_wrk() -> bool:
    return shutil.which("wrk") is not None


def request_bytes(port: int, path: str, key: str, document: dict) -> bytes:
    body = orjson.dumps(document)
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def press(
    port: int,
    request: bytes,
    *,
    connections: int,
    seconds: float,
    ending: bytes,
    most: int | None = None,
) -> Measured:
    """Keep so many connections busy for so long, or until `most` answers have come.

    A short warm-up is not counted.
    """
    if most is not None:
        return await _press(port, request, connections, seconds, ending, most)
    warm = await _press(port, request, connections, min(1.0, seconds / 4), ending)
    measured = await _press(port, request, connections, seconds, ending)
    measured.begun = warm.done + warm.failed + measured.done + measured.failed
    measured.lasted = warm.seconds + measured.seconds
    return measured


async def _press(
    port: int,
    request: bytes,
    connections: int,
    seconds: float,
    ending: bytes,
    most: int | None = None,
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
    while time.perf_counter() - began < seconds:
        await asyncio.sleep(min(0.05, seconds) if most else seconds)
        if most and measured.done + measured.failed >= most:
            break
    for client in clients:
        client.stopping = True
    await asyncio.wait([client.closed for client in clients], timeout=15)
    measured.seconds = time.perf_counter() - began
    return measured
