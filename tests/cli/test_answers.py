"""How answers leave: a head with its body in one write, by itself where that is still to come."""

import asyncio

import pytest
import uvicorn

from app.cli.serving import server_config
from app.core.config import Settings
from app.core.corked import Corked
from tests.support.identity import until
from tests.support.raw_http import parse

LENGTH = (b"content-length", b"2")
IN_CHUNKS = b"1\r\no\r\n1\r\nk\r\n0\r\n\r\n"


async def application(scope, receive, send):
    if scope["type"] != "http":
        return
    path = scope["path"]
    headers = {
        "/plain": [LENGTH],
        "/chunked": [],
        "/late": [],
        "/long": [(b"content-length", b"300000")],
        "/short": [(b"content-length", b"3")],
        "/closing": [LENGTH, (b"Connection", b"keep-alive, Close")],
        "/broken": [LENGTH, (b"x-said", b"a\r\nset-cookie: b")],
        "/forged": [(b"location", b"/a\nset-cookie: b"), LENGTH],
        "/misnamed": [LENGTH, (b"x said", b"a")],
        "/renamed": [LENGTH, (b"x-said\r\nset-cookie", b"a")],
        "/capitals": [(b"Content-Length", b"2"), (b"X-Said", b"Tabs\tand caf\xe9")],
    }[path]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if path == "/late":
        await asyncio.sleep(0.3)
    if path in ("/chunked", "/late"):
        await send({"type": "http.response.body", "body": b"o", "more_body": True})
        await send({"type": "http.response.body", "body": b"k", "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    else:
        body = b"x" * 300_000 if path == "/long" else b"ok"
        await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
async def port():
    config = server_config(application, Settings(_env_file=None))
    config.port, config.lifespan = 0, "off"
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None
    task = asyncio.create_task(server.serve())
    await until(lambda: asyncio.sleep(0, server.started))
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await task


@pytest.fixture
def writes(monkeypatch):
    """What the server writes to its sockets, piece by piece."""
    seen = []
    begin = Corked.__init__

    class Watched:
        def __init__(self, transport):
            self._transport = transport

        def __getattr__(self, name):
            return getattr(self._transport, name)

        def write(self, block):
            seen.append(bytes(block))
            self._transport.write(block)

    def watch(self, transport, cork):
        begin(self, Watched(transport), cork)

    monkeypatch.setattr(Corked, "__init__", watch)
    return seen


async def ask(port, path, method="GET", version="1.1", close=True):
    ending = "Connection: close\r\n" if close else ""
    return await say(port, f"{method} {path} HTTP/{version}\r\nHost: x\r\n{ending}\r\n".encode())


async def say(port, request):
    """All that comes back until the server closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    async with asyncio.timeout(20):
        received = await reader.read(-1)
    writer.close()
    await writer.wait_closed()
    return received


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/plain", b"ok"),
        ("/chunked", IN_CHUNKS),
        ("/late", IN_CHUNKS),
        ("/long", b"x" * 300_000),
    ],
)
async def test_an_answer_arrives_whole(port, path, content):
    answer = parse(await ask(port, path))
    assert answer.status_code == 200
    assert answer.content == content


async def test_a_head_leaves_in_one_write_with_its_body(port, writes):
    await ask(port, "/plain")
    assert len(writes) == 1
    assert writes[0].endswith(b"\r\n\r\nok")


async def test_names_leave_in_lower_case_and_values_as_they_are(port):
    received = await ask(port, "/capitals")
    assert b"\r\ncontent-length: 2\r\nx-said: Tabs\tand caf\xe9\r\n" in received
    assert received.endswith(b"\r\n\r\nok")


async def test_a_head_does_not_wait_for_a_body_that_comes_later(port, writes):
    await ask(port, "/late")
    assert writes[0].endswith(b"\r\n\r\n")


async def test_a_head_asked_for_alone_has_no_body(port):
    received = await ask(port, "/plain", method="HEAD")
    assert b"content-length: 2\r\n" in received
    assert received.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(("path", "version"), [("/closing", "1.1"), ("/plain", "1.0")])
async def test_a_connection_that_ends_with_its_answer_says_so(port, path, version):
    received = await ask(port, path, version=version, close=False)
    assert received.lower().count(b"connection: ") == 1
    assert b"close" in received.lower()


@pytest.mark.parametrize("path", ["/broken", "/forged", "/misnamed", "/renamed", "/short"])
async def test_what_would_garble_an_answer_is_no_answer(port, path):
    received = await ask(port, path)
    assert b"set-cookie" not in received
    assert not received.startswith(b"HTTP/1.1 200") or path == "/short"


async def test_requests_that_come_ahead_are_answered_in_order(port):
    one = b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /plain HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    received = await say(port, one % b"/late" + one % b"/chunked" + last)
    assert received.count(b"HTTP/1.1 200 OK") == 3
    assert received.endswith(b"\r\n\r\nok")
