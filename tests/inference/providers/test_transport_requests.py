"""What is sent: heads that cannot be forged, bodies whole or as they come, and where it goes."""

import asyncio
import socket

import pytest

from app.core.net import AddressPolicy
from app.inference.providers import errors
from app.inference.providers.transport import Transport
from app.inference.providers.transport.dialling import first_of, interleaved
from app.inference.providers.transport.resolving import Resolver
from tests.support.raw_server import RawConnection, RawServer, answering, whole
from tests.support.runs import until


def recording(raw: bytes = whole()) -> RawServer:
    async def script(connection: RawConnection) -> None:
        while True:
            server.requests.append(await connection.request())
            await connection.send(raw)

    server = RawServer(script)
    return server


async def ask(transport: Transport, server: RawServer, method: str = "POST", **options):
    options = {"headers": {}, "allow_private": True} | options
    return await transport.open(method, options.pop("url", server.url), **options)


async def test_a_request_is_what_was_asked_for_and_no_more(transport):
    async with recording() as server:
        await ask(transport, server, headers={"X-Key": "k", "Accept": "a/b"}, body=b"{}")
        assert server.requests == [
            b"POST /v1/x HTTP/1.1\r\n"
            b"host: localhost:%d\r\nX-Key: k\r\nAccept: a/b\r\n"
            b"accept-encoding: identity\r\nuser-agent: luminous\r\ncontent-length: 2\r\n\r\n{}"
            % server.port
        ]


async def test_framing_and_host_are_not_the_callers_to_say(transport):
    forged = {"Host": "evil", "Content-Length": "99", "Transfer-Encoding": "x", "Connection": "y"}
    async with recording() as server:
        await ask(transport, server, headers=forged, body=b"{}")
        (request,) = server.requests
        assert b"evil" not in request
        assert request.lower().count(b"content-length: ") == 1
        assert b"content-length: 2\r\n" in request
        assert not any(word in request.lower() for word in (b"transfer-enc", b"connection"))


@pytest.mark.parametrize(
    "headers",
    [
        {"X": "a\r\nEvil: b"},
        {"X": "a\nb"},
        {"X": "a\0b"},
        {"X": "ключ"},
        {"X: a\r\nEvil": "b"},
        {"X Y": "b"},
        {"": "b"},
    ],
)
async def test_a_header_that_would_be_read_as_another_is_refused(transport, headers):
    async with recording() as server:
        with pytest.raises(errors.ProviderRejected, match="header"):
            await ask(transport, server, headers=headers)
        assert server.connections == 0


@pytest.mark.parametrize("path", ["/a b", "/a HTTP/1.1", "/ü", "/\x7f"])
async def test_a_path_that_would_be_read_as_more_is_refused(transport, path):
    async with recording() as server:
        url = f"http://localhost:{server.port}{path}"
        with pytest.raises(errors.ProviderUnreachable, match="not valid"):
            await ask(transport, server, url=url)
        assert server.connections == 0


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("{}", b"GET / HTTP"),
        ("{}?q=%20a", b"GET /?q=%20a HTTP"),
        ("{}/a%2Fb#c", b"GET /a%2Fb HTTP"),
    ],
)
async def test_a_path_is_sent_as_it_is_written(transport, url, line):
    async with recording() as server:
        url = url.format(f"http://localhost:{server.port}")
        await ask(transport, server, "GET", url=url)
        assert server.requests[0].startswith(line)


async def test_a_large_body_arrives_whole(transport):
    body = bytes(range(256)) * 64 * 1024
    async with recording() as server:
        await ask(transport, server, body=body)
        assert server.requests[0].endswith(b"\r\n\r\n" + body)


async def pieces(*parts: bytes, pause: float = 0.0):
    for part in parts:
        yield part
        await asyncio.sleep(pause)


async def test_a_body_that_is_iterated_is_sent_in_chunks(transport):
    async with recording() as server:
        for _ in range(2):
            exchange = await ask(transport, server, body=pieces(b"abc", b"", b"d" * 17))
            assert await exchange.read_body() == b"ok"
        head, _, body = server.requests[0].partition(b"\r\n\r\n")
        assert b"transfer-encoding: chunked" in head
        assert b"content-length" not in head
        assert body == b"3\r\nabc\r\n11\r\n" + b"d" * 17 + b"\r\n0\r\n\r\n"
        assert server.connections == 1


async def test_an_upload_waits_for_a_peer_that_is_slow(transport):
    given = 0

    async def much():
        nonlocal given
        for _ in range(400):
            given += 65536
            yield b"x" * 65536

    async def slow(connection: RawConnection) -> None:
        await connection.reader.readuntil(b"\r\n\r\n")
        await started.wait()
        await connection.reader.readuntil(b"0\r\n\r\n")
        await connection.send(whole())

    started = asyncio.Event()
    async with RawServer(slow) as server:
        asking = asyncio.create_task(ask(transport, server, body=much()))
        await until(lambda: given > 0)
        await asyncio.sleep(0.3)
        assert given < 16 * 1024 * 1024
        asking.cancel()
        await asyncio.wait([asking])


async def test_an_upload_that_is_not_taken_times_out(impatient):
    async def deaf(connection: RawConnection) -> None:
        await asyncio.sleep(5)

    async def endless():
        while True:
            yield b"x" * 65536

    async with Transport(impatient) as transport, RawServer(deaf) as server:
        with pytest.raises(errors.ProviderTimedOut, match="taking the request"):
            await ask(transport, server, body=endless())


async def test_an_upload_stops_at_a_refusal(transport):
    sent = 0

    async def endless():
        nonlocal sent
        while True:
            sent += 1
            yield b"x" * 1024
            await asyncio.sleep(0.005)

    async def refuse(connection: RawConnection) -> None:
        await connection.reader.readuntil(b"\r\n\r\n")
        await connection.send(whole(b"too large", status=b"413 Too Large"))
        await connection.until_gone()

    async with RawServer(refuse) as server:
        exchange = await ask(transport, server, body=endless())
        assert (exchange.status, await exchange.read_body()) == (413, b"too large")
        assert sent < 100
        # Half a request is on the line, so nothing else may be.
        await until(lambda: server.open_connections == 0)


async def test_an_upload_whose_source_fails_leaves_no_connection(transport):
    async def failing():
        yield b"x"
        raise RuntimeError("the source broke")

    async with RawServer(answering(whole())) as server:
        with pytest.raises(RuntimeError, match="source"):
            await ask(transport, server, body=failing())
        await until(lambda: server.connections == 1 and server.open_connections == 0)


async def test_a_connection_that_takes_too_long_times_out(transport, monkeypatch):
    async def silent(host):
        await asyncio.sleep(5)

    monkeypatch.setattr("app.inference.providers.transport.resolving.look_up", silent)
    with pytest.raises(errors.ProviderTimedOut, match=r"within 0\.1 seconds"):
        await transport.open("GET", "http://slow.example/", headers={}, connect_seconds=0.1)


async def test_the_second_address_answers_where_the_first_refuses(transport, monkeypatch):
    async def two(host):
        return ["127.0.0.2", "127.0.0.1"]

    monkeypatch.setattr("app.inference.providers.transport.resolving.look_up", two)
    async with recording() as server:
        exchange = await ask(transport, server)
        assert await exchange.read_body() == b"ok"


def test_families_take_turns():
    assert interleaved(["::1", "::2", "::3", "1.1.1.1"]) == ["::1", "1.1.1.1", "::2", "::3"]
    assert interleaved(["1.1.1.1", "::1", "::2"]) == ["1.1.1.1", "::1", "::2"]
    assert interleaved(["1.1.1.1"]) == ["1.1.1.1"]


class Opened:
    def __init__(self, seconds: float, *, fails: bool = False) -> None:
        self.seconds = seconds
        self.fails = fails
        self.aborted = self.began = False

    def abort(self) -> None:
        self.aborted = True

    async def attempt(self) -> "Opened":
        self.began = True
        await asyncio.sleep(self.seconds)
        if self.fails:
            raise OSError("refused")
        return self


async def test_a_slow_address_is_overtaken_and_closed():
    slow, quick = Opened(5), Opened(0)
    assert await first_of([slow.attempt, quick.attempt]) is quick
    assert slow.began


async def test_two_that_open_at_once_leave_only_one_open():
    one, other = Opened(0.3), Opened(0.05)
    won = await first_of([one.attempt, other.attempt])
    assert won is one or other.aborted is False
    assert not won.aborted


async def test_where_all_fail_the_first_failure_is_told():
    with pytest.raises(OSError, match="refused"):
        await first_of([Opened(0, fails=True).attempt, Opened(0.01, fails=True).attempt])


async def test_a_name_is_asked_for_once_by_many(monkeypatch):
    asked = []

    async def look_up(host):
        asked.append(host)
        await asyncio.sleep(0.02)
        return ["93.184.216.34"]

    monkeypatch.setattr("app.inference.providers.transport.resolving.look_up", look_up)
    resolver = Resolver()
    many = (resolver.resolve("x.example", AddressPolicy()) for _ in range(20))
    assert await asyncio.gather(*many) == [["93.184.216.34"]] * 20
    await resolver.resolve("x.example", AddressPolicy())
    assert asked == ["x.example"]


async def test_a_name_that_failed_is_asked_for_again(monkeypatch):
    answers = [socket.gaierror(socket.EAI_AGAIN, "later"), ["93.184.216.34"]]

    async def look_up(host):
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr("app.inference.providers.transport.resolving.look_up", look_up)
    resolver = Resolver()
    with pytest.raises(OSError, match="later"):
        await resolver.resolve("x.example", AddressPolicy())
    assert await resolver.resolve("x.example", AddressPolicy()) == ["93.184.216.34"]
