"""The way through the operator's outbound proxy: a tunnel by CONNECT, for http and https alike."""

import asyncio
import base64
import ssl
from collections.abc import Callable
from typing import Final

from pydantic import SecretStr
from yarl import URL

from app.inference.providers.transport.connection import Connection

MAX_GREETING_BYTES: Final = 16 * 1024


class ProxyRefused(OSError):
    """The proxy has answered, and not with a tunnel."""


class Greeting(asyncio.Protocol):
    """Asks for a tunnel; `opened` is done when it stands, or raises ProxyRefused."""

    def __init__(self, request: bytes) -> None:
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._request = request
        self._received = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, ended, rest = self._received.partition(b"\r\n\r\n")
        if ended and head.startswith((b"HTTP/1.1 2", b"HTTP/1.0 2")) and not rest:
            self._settle(None)
        elif ended or len(self._received) > MAX_GREETING_BYTES:
            self._settle(ProxyRefused())

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - the protocol's
        self._settle(ProxyRefused())

    def _settle(self, error: ProxyRefused | None) -> None:
        if self.opened.done():
            return
        if error is None:
            self.opened.set_result(None)
        else:
            self.opened.set_exception(error)


class Proxy:
    """Names are resolved by it, so that it is also the one to keep them out of its networks."""

    def __init__(self, host: str, port: int, authorization: str) -> None:
        self._host = host
        self._port = port
        self._authorization = authorization

    async def tunnel(
        self, factory: Callable[[], Connection], host: str, port: int, tls: ssl.SSLContext | None
    ) -> Connection:
        """A connection to `host`; raises OSError."""
        loop = asyncio.get_running_loop()
        authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        request = f"CONNECT {authority} HTTP/1.1\r\nhost: {authority}\r\n{self._authorization}\r\n"
        transport, greeting = await loop.create_connection(
            lambda: Greeting(request.encode("latin-1")), self._host, self._port
        )
        try:
            await greeting.opened
            connection = factory()
            if tls is None:
                transport.set_protocol(connection)
                connection.connection_made(transport)
            else:
                name = host.rstrip(".")
                secured = await loop.start_tls(transport, connection, tls, server_hostname=name)
                if secured is None:
                    raise ConnectionResetError
                connection.connection_made(secured)
        except BaseException:
            transport.abort()
            raise
        return connection


def read_proxy(setting: SecretStr | None) -> Proxy | None:
    """Read `http://user:password@host:port`, as the settings have checked it."""
    if setting is None:
        return None
    url = URL(setting.get_secret_value())
    authorization = ""
    if url.user is not None:
        credentials = f"{url.user}:{url.password or ''}".encode()
        encoded = base64.b64encode(credentials).decode()
        authorization = f"proxy-authorization: Basic {encoded}\r\n"
    return Proxy(url.raw_host or "", url.port or 0, authorization)
