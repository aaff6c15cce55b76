"""The SDK's HTTP, through our own door: each address is checked and connected to as checked.

Loads httpx, which the SDK brings: import it late.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Final

import httpx
from yarl import URL

from app.agents.credentials.finding import Opened
from app.core import causes
from app.core.errors import AppError
from app.core.outbound import Outbound

MOST_BYTES: Final = 4 * 1024 * 1024


class TooMuch(httpx.TransportError):
    """An answer beyond its bound."""


class GuardedTransport(httpx.AsyncBaseTransport):
    """No redirects, no proxies, no cookies; a credential goes to the hosts it is for alone."""

    def __init__(self, outbound: Outbound, credential: Opened | None) -> None:
        self._outbound = outbound
        self._credential = credential
        self._inner = httpx.AsyncHTTPTransport(
            trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            addresses = await self._outbound.addresses(str(request.url))
        except AppError as error:
            raise httpx.ConnectError(error.detail, request=request) from error
        host = request.url.host
        request.headers["Host"] = request.url.netloc.decode("ascii")
        request.headers["Accept-Encoding"] = "identity"
        if self._credential is not None and self._credential.may_go_to(URL(str(request.url))):
            request.headers.update(self._credential.headers())
        request.extensions = {**request.extensions, "sni_hostname": host}
        request.url = request.url.copy_with(host=addresses[0])
        response = await self._inner.handle_async_request(request)
        stream = response.stream
        if not isinstance(stream, httpx.AsyncByteStream):
            raise httpx.ReadError("no stream of bytes", request=request)
        response.stream = _Bounded(stream)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Bounded(httpx.AsyncByteStream):
    def __init__(self, inner: httpx.AsyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for piece in self._inner:
            size += len(piece)
            if size > MOST_BYTES:
                raise TooMuch(f"The answer has more than {MOST_BYTES} bytes.")
            yield piece

    async def aclose(self) -> None:
        await self._inner.aclose()


def guarded_client(
    outbound: Outbound,
    credential: Opened | None,
    *,
    seconds: float,
    headers: Mapping[str, str] | None = None,
) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=GuardedTransport(outbound, credential),
        follow_redirects=False,
        trust_env=False,
        timeout=seconds,
        headers={"User-Agent": "Luminous", **causes.told(), **(headers or {})},
    )
