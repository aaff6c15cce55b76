"""What a candidate is asked with again and again is made once, and is never another's."""

from dataclasses import replace

import pytest

from app.core.config import Settings
from app.inference.calls.wire import MOST_REQUESTS, Wire
from app.inference.integrations.directory import Target
from app.inference.providers.transport import Transport
from app.inference.routing.plan import Candidate
from tests.inference.calls.test_headers import ENDPOINT
from tests.support.raw_server import RawConnection, RawServer, whole


def keeping() -> RawServer:
    """A server that keeps what it was asked."""

    async def script(connection: RawConnection) -> None:
        while True:
            server.requests.append(await connection.request())
            await connection.send(whole())

    server = RawServer(script)
    return server


def candidate_at(server: RawServer, key: str = "sk-one") -> Candidate:
    at = replace(ENDPOINT, base_url=server.url, api_key=key, allow_private=True)
    return Candidate(Target(at, "m"))


@pytest.fixture
async def wire():
    settings = Settings(_env_file=None)
    async with Transport(settings) as transport:
        yield Wire(transport, settings)


async def heads_of(wire, server, *asked):
    """The heads with which the server was asked: each time a candidate, a body and headers."""
    before = len(server.requests)
    for candidate, body, headers in asked:
        assert await wire.fetch(candidate, server.url, body, headers=headers) == b"ok"
    return [head.partition(b"\r\n\r\n")[0].lower() for head in server.requests[before:]]


async def test_each_body_is_told_by_its_own_length(wire):
    async with keeping() as server:
        one = candidate_at(server)
        heads = await heads_of(wire, server, (one, b"{}", None), (one, b'{"a":1}', None))
        assert [head.rpartition(b"content-length: ")[2] for head in heads] == [b"2", b"7"]
        assert server.requests[1].endswith(b'{"a":1}')


async def test_a_candidate_is_never_asked_with_another_ones_key(wire):
    async with keeping() as server:
        one, other = candidate_at(server), candidate_at(server, "sk-other")
        asked = [(one, b"{}", None), (other, b"{}", None)] * 2
        heads = await heads_of(wire, server, *asked)
        assert [b"bearer sk-one" in head for head in heads] == [True, False] * 2
        assert [b"bearer sk-other" in head for head in heads] == [False, True] * 2


async def test_a_clients_own_headers_are_of_its_request_only(wire):
    async with keeping() as server:
        one = candidate_at(server)
        asked = [(one, b"{}", headers) for headers in (None, {"x-own": "1"}, None)]
        heads = await heads_of(wire, server, *asked)
        assert [b"x-own: 1" in head for head in heads] == [False, True, False]


async def test_only_so_many_are_kept(wire):
    async with keeping() as server:
        one = candidate_at(server)
        for number in range(MOST_REQUESTS + 3):
            await wire.fetch(one, f"{server.url}/{number}", b"{}")
        assert all(len(kept) <= MOST_REQUESTS for kept in one.memo.values())
