"""The guarded way out."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from app.core.net import AddressRefused
from app.core.outbound import Outbound, OutboundFailed, OutboundTimedOut
from tests.conftest import serve


async def echo(request):
    return Response(f"{request.headers['host']} {(await request.body()).decode()}")


async def large(_):
    return Response(b"x" * 2_000_000)


async def away(_):
    return RedirectResponse("http://169.254.169.254/latest")


async def slow(_):
    await asyncio.sleep(5)
    return Response()


async def baking(request):
    answer = Response(request.headers.get("cookie", "none"))
    answer.set_cookie("session", "of another host")
    return answer


ROUTES = [
    Route("/baking", baking),
    Route("/echo", echo, methods=["GET", "POST"]),
    Route("/large", large),
    Route("/away", away),
    Route("/slow", slow),
]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server() -> AsyncIterator[str]:
    running, task, url = await serve(Starlette(routes=ROUTES))
    yield url
    running.should_exit = True
    running.force_exit = True
    await task


@pytest_asyncio.fixture(loop_scope="session")
async def outbound() -> AsyncIterator[Outbound]:
    way = Outbound(("127.0.0.1", "allowed.example"), seconds=20)
    yield way
    await way.close()


async def test_an_allowed_host_is_asked(server, outbound):
    answer = await outbound.fetch("POST", f"{server}/echo", form={"a": "b c"})
    assert (answer.status, answer.host) == (200, "127.0.0.1")
    assert answer.body.decode() == f"{server.removeprefix('http://')} a=b+c"


async def test_a_name_is_resolved_once_and_that_address_is_called(server, outbound, monkeypatch):
    port, asked = int(server.rpartition(":")[2]), []

    async def resolve(host, *_, **__):
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve, raising=False)
    answer = await outbound.fetch("GET", f"http://allowed.example:{port}/echo")
    assert answer.body.decode().strip() == f"allowed.example:{port}"
    assert asked == ["allowed.example"]


async def test_a_public_name_that_leads_inside_is_refused(outbound, monkeypatch):
    async def resolve(*_, **__):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 443))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve, raising=False)
    with pytest.raises(AddressRefused):
        await outbound.fetch("GET", "https://rebound.example/")


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/latest",
        "https://user:secret@example.com/",
        "https://0x7f000001/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "no address",
    ],
)
async def test_an_address_that_must_not_be_called_is_refused(outbound, url):
    with pytest.raises(AddressRefused):
        await outbound.fetch("GET", url)


async def test_a_redirect_is_not_followed(server, outbound):
    assert (await outbound.fetch("GET", f"{server}/away")).status == 307


async def test_an_answer_that_is_too_large_is_cut_off(server, outbound):
    with pytest.raises(OutboundFailed, match="more than"):
        await outbound.fetch("GET", f"{server}/large")


async def test_a_slow_answer_is_not_waited_for(server, outbound):
    outbound.seconds = 0.5
    with pytest.raises(OutboundTimedOut):
        await outbound.fetch("GET", f"{server}/slow")


async def test_a_host_that_is_down_has_failed(outbound):
    with pytest.raises(OutboundFailed):
        await outbound.fetch("GET", "http://127.0.0.1:9/")


async def test_what_is_no_json_has_failed(server, outbound):
    answer = await outbound.fetch("GET", f"{server}/echo")
    with pytest.raises(OutboundFailed):
        answer.json_object()


async def test_no_cookie_is_kept_for_the_next_host_behind_an_address(server, outbound):
    for _ in range(2):
        assert (await outbound.fetch("GET", f"{server}/baking")).body == b"none"
