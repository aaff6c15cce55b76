"""The way through an outbound proxy."""

import asyncio
import base64

import pytest
from pydantic import SecretStr

from app.core.config import InvalidSettings, Settings, load_settings
from app.core.net import AddressRefused
from app.inference.providers import errors
from app.inference.providers.transport import Transport
from app.inference.providers.transport.tls import client_context
from tests.inference.providers.test_transport_tls import server_context, trusted
from tests.support.raw_server import RawConnection, RawServer, answering, whole

__all__ = ["trusted"]


def proxied(port: int, *, user: str = "", allow: str = "") -> Settings:
    proxy = SecretStr(f"http://{user}127.0.0.1:{port}")
    return Settings(_env_file=None, provider_proxy=proxy, outbound_allow=allow)


def tunnelling(target: RawServer, *, answer: bytes = b"HTTP/1.1 200 OK\r\n\r\n") -> RawServer:
    """A proxy for which every name leads to `target`."""

    async def script(connection: RawConnection) -> None:
        server.requests.append(await connection.request())
        await connection.send(answer)
        reader, writer = await asyncio.open_connection("127.0.0.1", target.port)

        async def back() -> None:
            while received := await reader.read(65536):
                await connection.send(received)
            connection.close()

        returning = asyncio.create_task(back())
        try:
            while received := await connection.reader.read(65536):
                writer.write(received)
        finally:
            returning.cancel()
            writer.close()

    server = RawServer(script)
    return server


async def ask(transport: Transport, url: str, **options) -> bytes:
    exchange = await transport.open("POST", url, headers={}, body=b"{}", **options)
    return await exchange.read_body()


async def test_names_are_asked_for_at_the_proxy(monkeypatch):
    async def nowhere(host):
        raise AssertionError("the proxy resolves")

    monkeypatch.setattr("app.inference.providers.transport.resolving.look_up", nowhere)
    async with RawServer(answering(whole())) as target, tunnelling(target) as proxy:
        async with Transport(proxied(proxy.port, user="me:p%40ss@")) as transport:
            for _ in range(2):
                assert await ask(transport, "http://api.example/v1") == b"ok"
        credentials = base64.b64encode(b"me:p@ss")
        assert proxy.requests == [
            b"CONNECT api.example:80 HTTP/1.1\r\nhost: api.example:80\r\n"
            b"proxy-authorization: Basic " + credentials + b"\r\n\r\n"
        ]


@pytest.mark.parametrize(
    "host", ["127\u30020\u30020\u30021", "\uff11\uff16\uff19.254.169.254", "\uff10x7f.1"]
)
async def test_no_address_in_other_digits_is_led_to_the_proxy(host):
    async with RawServer(answering(whole())) as target, tunnelling(target) as proxy:
        async with Transport(proxied(proxy.port)) as transport:
            with pytest.raises(AddressRefused):
                await ask(transport, f"http://{host}/v1")
        assert proxy.requests == []


async def test_tls_is_spoken_through_the_tunnel(trusted):
    tls = server_context(trusted)
    async with RawServer(answering(whole()), tls) as target, tunnelling(target) as proxy:
        async with Transport(proxied(proxy.port), client_context(str(trusted))) as transport:
            for _ in range(2):
                assert await ask(transport, "https://localhost/v1") == b"ok"
            with pytest.raises(errors.ProviderUnreachable, match="no secure connection"):
                await ask(transport, "https://other.example/v1")
        assert proxy.requests[0].startswith(b"CONNECT localhost:443 HTTP/1.1\r\n")
        assert b"proxy-authorization" not in proxy.requests[0]


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nforged",
        b"SSH-2.0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"x" * 20_000,
    ],
)
async def test_what_the_proxy_does_not_open_is_unreachable(said):
    async with RawServer(answering(whole())) as target, tunnelling(target, answer=said) as proxy:
        async with Transport(proxied(proxy.port)) as transport:
            with pytest.raises(errors.ProviderUnreachable, match="proxy"):
                await ask(transport, "http://api.example/v1")
        assert target.connections == 0


async def test_a_proxy_that_leaves_is_unreachable():
    async def leave(connection: RawConnection) -> None:
        await connection.request()

    async with RawServer(leave) as proxy, Transport(proxied(proxy.port)) as transport:
        with pytest.raises(errors.ProviderUnreachable, match="proxy"):
            await ask(transport, "http://api.example/v1")


async def test_the_operators_own_servers_are_called_directly():
    async with RawServer(answering(whole())) as target, tunnelling(target) as proxy:
        async with Transport(proxied(proxy.port, allow="localhost")) as transport:
            assert await ask(transport, target.url) == b"ok"
            url = target.url.replace("localhost", "127.0.0.1")
            assert await ask(transport, url, allow_private=True) == b"ok"
        assert proxy.requests == []


@pytest.mark.parametrize("given", ["proxy:3128", "https://proxy:1", "socks5://p:1", "http://proxy"])
def test_what_is_no_http_proxy_is_refused_at_the_start(given):
    with pytest.raises(InvalidSettings, match="LUMINOUS_PROVIDER_PROXY"):
        load_settings(_env_file=None, provider_proxy=given)
