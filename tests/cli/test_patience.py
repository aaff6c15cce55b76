"""A connection is not held open by someone who sends nothing, or next to nothing."""

import asyncio
import time
from contextlib import suppress

import orjson
import pytest
import uvicorn

from app.cli.serving import server_config
from app.core.config import Settings
from tests.support.identity import until
from tests.support.raw_http import parse

GET = b"GET /quick HTTP/1.1\r\nHost: x\r\n"


async def application(scope, receive, send):
    """Answers without reading, except under /slow."""
    if scope["type"] != "http":
        return
    if scope["path"] == "/slow":
        await asyncio.sleep(1.2)
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
    )
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture(scope="module")
async def port():
    settings = Settings(_env_file=None, slow_head_seconds=1, keep_alive_seconds=1)
    config = server_config(application, settings)
    config.port, config.lifespan = 0, "off"
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None
    task = asyncio.create_task(server.serve())
    await until(lambda: asyncio.sleep(0, server.started))
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await task


async def connection(port, *pieces, pause=0.0):
    """Send pieces with a pause after each; what came back, and after how many seconds."""
    began = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def send():
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(pause)

    sending = asyncio.create_task(send())
    received = b""
    async with asyncio.timeout(20):
        with suppress(ConnectionError):
            while block := await reader.read(65_536):
                received += block
    sending.cancel()
    writer.close()
    return received, time.monotonic() - began


async def test_a_client_that_says_nothing_is_let_go(port):
    received, seconds = await connection(port)
    assert received == b""
    assert seconds > 0.9


async def test_a_head_that_trickles_in_is_a_408(port):
    received, _ = await connection(port, GET, *[b"x: y\r\n"] * 400, pause=0.05)
    answer = parse(received)
    assert answer.status_code == 408
    assert orjson.loads(answer.content)["code"] == "request_timed_out"


async def test_a_head_without_end_is_a_431(port):
    received, _ = await connection(port, GET, *[b"x: " + b"y" * 8000 + b"\r\n"] * 12)
    answer = parse(received)
    assert answer.status_code == 431
    assert orjson.loads(answer.content)["code"] == "head_too_large"


async def test_a_usual_request_and_a_slow_answer_are_served(port):
    for path in (b"/quick", b"/slow"):
        head = GET.replace(b"/quick", path) + b"Connection: close\r\n\r\n"
        received, _ = await connection(port, head)
        assert parse(received).content == b"ok"


async def test_an_open_connection_serves_again_and_is_closed_when_idle(port):
    received, seconds = await connection(port, GET + b"\r\n", GET + b"\r\n", pause=0.3)
    assert received.count(b"HTTP/1.1 200 OK") == 2
    assert seconds > 1.2


async def test_what_is_asked_on_an_open_connection_may_take_longer_than_it_may_be_idle(port):
    slow = GET.replace(b"/quick", b"/slow") + b"\r\n"
    received, seconds = await connection(port, GET + b"\r\n", slow, pause=0.2)
    assert received.count(b"HTTP/1.1 200 OK") == 2
    assert seconds > 2.3


async def test_a_body_that_trickles_on_after_the_answer_is_let_go(port):
    head = b"POST /quick HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"
    received, _ = await connection(port, head, *[b"x"] * 400, pause=0.05)
    assert received.startswith(b"HTTP/1.1 200 OK")
