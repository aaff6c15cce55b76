"""What a server can do to the one connection of an answer."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.config import Settings
from app.inference.providers import errors
from app.inference.providers.transport import Exchange, Transport
from tests.support.raw_server import (
    RawConnection,
    RawServer,
    answering,
    chunked,
    whole,
)
from tests.support.runs import until

FRAMINGS = {
    "length": whole,
    "chunks": lambda body: chunked(body[at : at + 3] for at in range(0, len(body), 3)),
    "extensions": lambda body: (
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
        b'%x;name="value"\r\n%b\r\n0\r\ntrailer: yes\r\n\r\n' % (len(body), body)
    ),
    "close": lambda body: b"HTTP/1.1 200 OK\r\n\r\n" + body,
    "hints": lambda body: (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" + whole(body)
    ),
}


EXAMPLES = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def settings_with(**changes: float) -> Settings:
    return Settings(
        _env_file=None,
        provider_connect_seconds=5,
        provider_first_token_seconds=changes.get("first", 20),
        provider_idle_seconds=changes.get("idle", 20),
    )


def saying(*pieces: bytes, pause: float = 0.0, then: str = "close") -> RawServer:
    """Answers one request of each connection with these pieces."""

    async def script(connection: RawConnection) -> None:
        await connection.request()
        await connection.send(*pieces, pause=pause)
        if then == "wait":
            await connection.until_gone()
        elif then == "abort":
            connection.abort()

    return RawServer(script)


async def ask(transport: Transport, server: RawServer, method: str = "POST", **options) -> Exchange:
    options = {"headers": {}, "allow_private": True} | options
    return await transport.open(method, server.url, **options)


async def ask_whole(transport: Transport, server: RawServer, **options) -> bytes:
    return await (await ask(transport, server, **options)).read_body()


@pytest.mark.parametrize("framing", FRAMINGS)
@EXAMPLES
@given(body=st.binary(min_size=1, max_size=40), cuts=st.sets(st.integers(1, 160), max_size=8))
async def test_an_answer_cut_anywhere_arrives_whole(transport, framing, body, cuts):
    raw = FRAMINGS[framing](body)
    ends = sorted({min(cut, len(raw)) for cut in cuts} | {len(raw)})
    pieces = [raw[a:b] for a, b in zip([0, *ends], ends, strict=False)]
    async with saying(*pieces) as server:
        exchange = await ask(transport, server)
        assert exchange.status == 200
        assert await exchange.read_body() == body


@pytest.mark.parametrize("framing", ["length", "chunks", "extensions"])
@EXAMPLES
@given(body=st.binary(min_size=1, max_size=40), share=st.floats(0, 1, exclude_max=True))
async def test_an_answer_that_ends_early_is_never_a_whole_one(transport, framing, body, share):
    raw = FRAMINGS[framing](body)
    async with saying(raw[: int(len(raw) * share)]) as server:
        with pytest.raises((errors.ProviderUnreachable, errors.ProviderInterrupted)):
            await ask_whole(transport, server)


async def test_what_came_before_a_break_is_given_first(transport):
    async with saying(whole(b"0123456789")[:-4], then="abort") as server:
        exchange = await ask(transport, server)
        await until(lambda: exchange.over)
        assert await exchange.read_chunk() == b"012345"
        with pytest.raises(errors.ProviderInterrupted):
            await exchange.read_chunk()


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
async def test_an_answer_without_a_body_ends_with_its_head(transport, status):
    async with RawServer(answering(b"HTTP/1.1 " + status + b"\r\n\r\n")) as server:
        for _ in range(2):
            assert await ask_whole(transport, server) == b""
        assert server.connections == 1


async def test_what_arrived_together_is_read_together(transport):
    async with saying(chunked([b"a", b"b", b"c"])) as server:
        exchange = await ask(transport, server)
        assert await exchange.read_chunk() == b"abc"
        assert await exchange.read_chunk() == b""


async def test_fields_are_found_in_any_case_and_the_first_counts(transport):
    async with saying(whole(b"", b"Retry-After: 7", b"retry-after: 9")) as server:
        headers = (await ask(transport, server)).headers
        assert (headers["RETRY-AFTER"], headers.get("missing")) == ("7", None)
        assert dict(headers) == {"content-length": "0", "retry-after": "7"}
        assert len(headers) == 2


GARBAGE = {
    "another protocol": b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
    "a page without a head": b"<html><body>404</body></html>",
    "noise": bytes(range(256)),
    "no status": b"HTTP/1.1 \r\n\r\n",
    "a version of its own": b"HTTP/9.9 200 OK\r\ncontent-length: 0\r\n\r\n",
    "a length that is none": b"HTTP/1.1 200 OK\r\ncontent-length: ten\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
    "length and chunks": (
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
    "a switch of protocols": b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
    "a field without a name": b"HTTP/1.1 200 OK\r\n: x\r\n\r\n",
    "an endless field": b"HTTP/1.1 200 OK\r\nx: " + b"x" * 1024 * 1024,
    "endless fields": b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 200_000,
    "endless hints": b"HTTP/1.1 103 Early Hints\r\n\r\n" * 50_000,
}


@pytest.mark.parametrize("said", GARBAGE)
async def test_what_is_no_answer_is_garbled(transport, said):
    async with saying(GARBAGE[said], then="wait") as server:
        with pytest.raises(errors.ProviderGarbled, match="not valid HTTP"):
            await ask(transport, server)
        await until(lambda: server.open_connections == 0)


IN_BODY = {
    "a chunk without a size": b"zz\r\nabc\r\n",
    "a chunk that is longer": b"1\r\nabc\r\n",
    "a negative size": b"-1\r\nabc\r\n",
    "a size without end": b"1" * 100_000,
    "an endless extension": b"1;" + b"x" * 1024 * 1024,
    "endless trailers": b"0\r\n" + b"x: y\r\n" * 200_000,
}


@pytest.mark.parametrize("said", IN_BODY)
async def test_garbage_in_the_framing_is_an_interruption(transport, said):
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"
    async with saying(head, IN_BODY[said], pause=0.02, then="wait") as server:
        exchange = await ask(transport, server)
        with pytest.raises(errors.ProviderInterrupted):
            await exchange.read_body()
        await until(lambda: server.open_connections == 0)


async def test_a_compressed_answer_that_nobody_asked_for_is_garbled(transport):
    async with saying(whole(b"\x1f\x8b", b"content-encoding: gzip")) as server:
        with pytest.raises(errors.ProviderGarbled, match="compressed"):
            await ask(transport, server)


async def test_a_compressed_refusal_keeps_its_status(transport):
    refusal = whole(b"\x1f\x8b", b"content-encoding: gzip", status=b"429 Too Many")
    async with saying(refusal) as server:
        assert (await ask(transport, server)).status == 429


async def test_an_answer_past_its_bound_is_garbled(transport):
    async with RawServer(answering(whole(b"x" * 2000))) as server:
        assert len(await ask_whole(transport, server, max_bytes=2000)) == 2000
        with pytest.raises(errors.ProviderGarbled, match="too large"):
            await ask_whole(transport, server, max_bytes=1999)


async def test_a_slow_reader_is_not_flooded(transport):
    sent = 0

    async def flood(connection: RawConnection) -> None:
        nonlocal sent
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for _ in range(640):
            await connection.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            sent += 65536
        await connection.send(b"0\r\n\r\n")

    async with RawServer(flood) as server:
        exchange = await ask(transport, server)
        await asyncio.sleep(0.3)
        # Of 40 MB only what the sockets' own buffers hold has left.
        assert sent < 16 * 1024 * 1024
        assert len(await exchange.read_body()) == 640 * 65536


async def test_a_head_that_trickles_in_has_one_deadline():
    async with Transport(settings_with(first=0.2)) as transport:
        pieces = [b"HTTP/1.1 200 OK\r\n", *[b"x: y\r\n"] * 30]
        async with saying(*pieces, pause=0.05) as server:
            with pytest.raises(errors.ProviderTimedOut, match="no answer in time"):
                await ask(transport, server)
            await until(lambda: server.open_connections == 0)


async def test_a_pause_in_the_body_has_a_deadline_of_its_own():
    half = saying(whole(b"0123456789")[:-4], then="wait")
    async with Transport(settings_with(idle=0.2)) as transport, half as server:
        exchange = await ask(transport, server)
        assert await exchange.read_chunk() == b"012345"
        with pytest.raises(errors.ProviderTimedOut, match="stopped sending"):
            await exchange.read_chunk()
        await until(lambda: server.open_connections == 0)


async def test_each_piece_of_a_slow_body_starts_the_time_anew():
    async with Transport(settings_with(idle=0.4)) as transport:
        raw = whole(b"0123456789")
        pieces = [raw[:-9], *(raw[at : at + 1] for at in range(len(raw) - 9, len(raw)))]
        async with saying(*pieces, pause=0.1) as server:
            assert await ask_whole(transport, server) == b"0123456789"


async def test_a_reader_that_pauses_itself_is_not_timed_out():
    async with Transport(settings_with(idle=0.2)) as transport:
        raw = whole(b"0123456789")
        async with saying(raw[:-4], raw[-4:], pause=0.1) as server:
            exchange = await ask(transport, server)
            await asyncio.sleep(0.6)
            assert await exchange.read_body() == b"0123456789"


async def test_a_later_deadline_outlives_the_timers_tick(transport, monkeypatch):
    ticks = "app.inference.providers.transport.connection.TICK_SECONDS"
    monkeypatch.setattr(ticks, 0.05)
    raw = whole(b"0123456789")
    async with saying(raw[:-4], raw[-4:], pause=0.4) as server:
        assert await ask_whole(transport, server) == b"0123456789"


async def test_closing_an_answer_aborts_its_connection(transport):
    async with saying(whole(b"0123456789")[:-4], then="wait") as server:
        exchange = await ask(transport, server)
        exchange.close()
        await until(lambda: server.open_connections == 0)
        with pytest.raises(errors.ProviderInterrupted):
            await exchange.read_chunk()


async def test_closing_wakes_who_waits(transport):
    async with saying(whole(b"0123456789")[:-4], then="wait") as server:
        exchange = await ask(transport, server)
        await exchange.read_chunk()
        waiting = asyncio.create_task(exchange.read_chunk())
        await asyncio.sleep(0)
        exchange.close()
        with pytest.raises(errors.ProviderInterrupted):
            await waiting


async def test_a_cancelled_request_leaves_no_connection(transport):
    async with saying(then="wait") as server:
        asking = asyncio.create_task(ask(transport, server))
        await until(lambda: server.open_connections == 1)
        await asyncio.sleep(0.02)
        asking.cancel()
        await until(lambda: server.open_connections == 0)


async def test_closing_the_transport_closes_what_is_used_and_what_rests():
    transport = Transport(settings_with())
    async with RawServer(answering(whole(), whole()[:-1])) as server:
        await ask_whole(transport, server)
        used = await ask(transport, server)
        async with RawServer(answering(whole())) as other:
            await ask_whole(transport, other)
            assert (server.open_connections, other.open_connections) == (1, 1)
            await transport.close()
            await until(lambda: server.open_connections == other.open_connections == 0)
        with pytest.raises(errors.ProviderInterrupted):
            await used.read_body()
