"""Connections that are kept: when they are used again, and what happens when the peer lets go."""

import asyncio

import pytest

from app.inference.providers import errors
from app.inference.providers.transport.pool import Pool
from tests.support.raw_server import (
    RawConnection,
    RawServer,
    answering,
    chunked,
    whole,
)
from tests.support.runs import until

POOL = "app.inference.providers.transport.pool"


async def ask(transport, server: RawServer, method: str = "POST", **options) -> bytes:
    options = {"headers": {}, "body": b"{}", "allow_private": True} | options
    exchange = await transport.open(method, server.url, **options)
    return await exchange.read_body()


def closing_after(answers: int, raw: bytes, *, say_so: bytes = b"") -> RawServer:
    """Answers so many requests of its first connection, and leaves with the next one read."""

    async def script(connection: RawConnection) -> None:
        for number in range(1, 100):
            server.requests.append(await connection.request())
            if connection.number == 1 and number > answers:
                await connection.send(say_so)
                return
            await connection.send(raw)

    server = RawServer(script)
    return server


@pytest.mark.parametrize("raw", [whole(), chunked([b"o", b"k"])])
async def test_a_connection_is_used_again_after_a_whole_answer(transport, raw):
    async with RawServer(answering(raw)) as server:
        for _ in range(5):
            assert await ask(transport, server) == b"ok"
        assert server.connections == 1


async def test_requests_at_the_same_time_have_connections_of_their_own(transport):
    async with RawServer(answering(whole())) as server:
        assert await asyncio.gather(*(ask(transport, server) for _ in range(8))) == [b"ok"] * 8
        assert server.connections == 8
        await asyncio.gather(*(ask(transport, server) for _ in range(8)))
        assert server.connections == 8


@pytest.mark.parametrize(
    "raw",
    [
        whole(b"ok", b"connection: close"),
        whole(b"ok").replace(b"HTTP/1.1", b"HTTP/1.0"),
        whole(b"ok") + b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged",
        whole(b"ok") + b"noise",
    ],
    ids=["said so", "old", "two answers", "noise"],
)
async def test_a_connection_that_cannot_be_trusted_is_not_used_again(transport, raw):
    async with RawServer(answering(raw)) as server:
        for _ in range(3):
            assert await ask(transport, server) == b"ok"
        assert server.connections == 3
        await until(lambda: server.open_connections == 0)


async def test_what_comes_unasked_ends_a_resting_connection(transport):
    async def chatty(connection: RawConnection) -> None:
        await connection.request()
        await connection.send(whole(), whole(b"forged"), pause=0.02)
        await connection.until_gone()

    async with RawServer(chatty) as server:
        assert await ask(transport, server) == b"ok"
        await until(lambda: server.open_connections == 0)
        assert await ask(transport, server) == b"ok"


async def test_a_half_read_answer_is_never_followed_by_another_request(transport):
    async with RawServer(answering(whole(b"x" * 100_000)[:-1])) as server:
        exchange = await transport.open("GET", server.url, headers={}, allow_private=True)
        await exchange.read_chunk()
        await exchange.drain()
        await until(lambda: server.open_connections == 0)


async def test_an_answer_that_nobody_has_read_yet_survives_the_next_request(transport):
    async with RawServer(answering(whole(b"first"), whole(b"second"))) as server:
        first = await transport.open("GET", server.url, headers={}, allow_private=True)
        await until(lambda: first.over)
        assert await ask(transport, server) == b"second"
        assert await first.read_body() == b"first"
        assert server.connections == 1


async def test_fields_of_one_answer_are_not_found_in_the_next(transport):
    ended = chunked([b"ok"])[:-2] + b"x-trailer: 1\r\n\r\n"
    first = ended.replace(b"\r\n", b"\r\nx-field: 1\r\n", 1)
    async with RawServer(answering(first, chunked([b"ok"]))) as server:
        seen = []
        for _ in range(2):
            exchange = await transport.open("GET", server.url, headers={}, allow_private=True)
            assert await exchange.read_body() == b"ok"
            seen.append(dict(exchange.headers))
        assert server.connections == 1
        assert [each.get("x-field") for each in seen] == ["1", None]
        assert not any("x-trailer" in each for each in seen)


async def test_a_request_that_was_prepared_is_sent_any_number_of_times(transport):
    async with closing_after(9, whole()) as server:
        request = transport.prepare("POST", server.url, headers={}, allow_private=True)
        for body in (b"", b"one", b"three"):
            assert await (await transport.send(request, body)).read_body() == b"ok"
        lengths = [each.partition(b"content-length: ")[2][:1] for each in server.requests]
        assert lengths == [b"0", b"3", b"5"]


async def test_closing_an_answer_after_its_end_keeps_the_connection(transport):
    async with RawServer(answering(whole())) as server:
        for _ in range(2):
            exchange = await transport.open("GET", server.url, headers={}, allow_private=True)
            await exchange.read_body()
            exchange.close()
        assert server.connections == 1


async def test_a_connection_closed_while_it_rested_is_not_noticed_by_anyone(transport):
    async def once(connection: RawConnection) -> None:
        await connection.request()
        await connection.send(whole())

    async with RawServer(once) as server:
        for _ in range(3):
            assert await ask(transport, server) == b"ok"
            await until(lambda: not transport._pool._open)
        assert server.connections == 3


async def test_a_goodbye_that_the_loop_has_not_read_yet_is_seen(transport):
    connections = []

    async def once(connection: RawConnection) -> None:
        await connection.request()
        connections.append(connection)
        await connection.send(whole())
        await connection.until_gone()

    async with RawServer(once) as server:
        assert await ask(transport, server) == b"ok"
        # In one turn of the loop with the next request: the client has had no chance to read it.
        connections[0].say_goodbye()
        assert await ask(transport, server) == b"ok"
        assert server.connections == 2


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_an_idempotent_request_that_met_the_end_is_sent_once_more(transport, method):
    async with closing_after(1, whole()) as server:
        assert await ask(transport, server, method) == b"ok"
        assert await ask(transport, server, method) == b"ok"
        assert (server.connections, len(server.requests)) == (2, 3)


async def test_a_post_that_met_the_end_is_left_to_the_caller(transport):
    async with closing_after(1, whole()) as server:
        await ask(transport, server)
        with pytest.raises(errors.ProviderUnreachable, match="closed the connection"):
            await ask(transport, server)
        assert len(server.requests) == 2


async def test_a_caller_can_say_that_a_post_may_be_sent_twice(transport):
    async with closing_after(1, whole()) as server:
        for _ in range(2):
            assert await ask(transport, server, repeatable=True) == b"ok"
        assert len(server.requests) == 3


async def test_nothing_is_sent_again_after_a_byte_of_an_answer(transport):
    async with closing_after(1, whole(), say_so=b"H") as server:
        await ask(transport, server, "GET")
        with pytest.raises(errors.ProviderUnreachable):
            await ask(transport, server, "GET")
        assert len(server.requests) == 2


async def test_a_new_connection_that_breaks_is_not_tried_again(transport):
    async with closing_after(0, whole()) as server:
        with pytest.raises(errors.ProviderUnreachable):
            await ask(transport, server, "GET")
        assert server.connections == 1


async def test_a_resting_connection_is_closed_after_a_while(transport, monkeypatch):
    monkeypatch.setattr(f"{POOL}.IDLE_SECONDS", 0.1)
    async with RawServer(answering(whole())) as server:
        await ask(transport, server)
        assert server.open_connections == 1
        await until(lambda: server.open_connections == 0)


async def test_the_peers_own_limit_is_kept_a_second_early(transport):
    async with RawServer(answering(whole(b"ok", b"keep-alive: timeout=1, max=9"))) as server:
        await ask(transport, server)
        await until(lambda: server.open_connections == 0, 0.5)


async def test_only_so_many_connections_rest(transport, monkeypatch):
    monkeypatch.setattr(f"{POOL}.MOST_IDLE", 2)
    async with RawServer(answering(whole())) as server:
        await asyncio.gather(*(ask(transport, server) for _ in range(5)))
        await until(lambda: server.open_connections == 2)


async def test_only_so_many_origins_have_resting_connections(transport, monkeypatch):
    monkeypatch.setattr(f"{POOL}.MOST_ORIGINS", 1)
    async with RawServer(answering(whole())) as one, RawServer(answering(whole())) as other:
        await ask(transport, one)
        await ask(transport, other)
        await until(lambda: other.open_connections == 0)
        assert one.open_connections == 1


async def test_a_pool_forgets_origins_without_connections(transport):
    async with RawServer(answering(whole(b"ok", b"connection: close"))) as server:
        for _ in range(3):
            await ask(transport, server)
        await until(lambda: server.open_connections == 0)
        pool: Pool = transport._pool
        await until(lambda: not (pool._open or pool._idle))
