"""The guarded way out for everything but model traffic: checked addresses, bounded answers."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx2
import orjson
from yarl import URL

from app.core import causes
from app.core.errors import UpstreamFailed, UpstreamTimedOut
from app.core.net import AddressPolicy, AddressRefused, literal_address, parse_url

SECONDS = 10.0
MOST_BYTES = 1024 * 1024
# What a caller does not set: where it goes, and what led to it.
_OURS = frozenset({"host", causes.HEADER.lower()})


class OutboundFailed(UpstreamFailed):
    code = "outbound_failed"
    title = "Another service could not be asked"


class OutboundTimedOut(UpstreamTimedOut):
    code = "outbound_timed_out"
    title = "Another service took too long"


@dataclass(frozen=True, slots=True)
class Answer:
    """What another service answered, read whole."""

    host: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON; raises OutboundFailed."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            raise OutboundFailed(f"{self.host} did not answer with JSON.") from None

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object; raises OutboundFailed."""
        value = self.json()
        if not isinstance(value, dict):
            raise OutboundFailed(f"{self.host} did not answer with a JSON object.")
        return value


@dataclass(frozen=True, slots=True)
class Opened:
    """What another service answers, to be read piece by piece."""

    host: str
    status: int
    headers: Mapping[str, str]
    pieces: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class _Request:
    """What is sent; `seconds` bound each silence of the other side."""

    method: str
    url: URL
    seconds: float
    headers: Mapping[str, str] | None = None
    form: Mapping[str, str] | None = None
    content: bytes | None = None

    @property
    def host(self) -> str:
        return self.url.raw_host or ""


class Outbound:
    """Calls addresses that others name: each is resolved, checked, and connected to as checked.

    Redirects are not followed, proxies of the environment are not used, and neither connections
    nor cookies are kept: two hosts behind one address must not share one.
    """

    def __init__(self, allow: tuple[str, ...] = (), *, seconds: float = SECONDS) -> None:
        self.seconds = seconds
        self._policy = AddressPolicy(allow)
        self._client: httpx2.AsyncClient | None = None

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def check_url(self, url: str) -> None:
        """Raise AddressRefused for what is refused without a look-up.

        Without TLS only hosts that the operator allows are called.
        """
        parsed = parse_url(url)
        self._policy.check_url(parsed)
        if parsed.scheme != "https" and not self._policy.names(parsed.raw_host or ""):
            raise AddressRefused("Only https URLs can be called.")

    async def fetch(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        most_bytes: int = MOST_BYTES,
    ) -> Answer:
        """Send one request; raises AddressRefused, OutboundFailed and OutboundTimedOut."""
        self.check_url(url)
        parsed = parse_url(url)
        host = parsed.raw_host or ""
        request = _Request(method, parsed, self.seconds, headers, form)
        try:
            async with asyncio.timeout(self.seconds):
                with _failing(host):
                    addresses = await self._resolve(host, parsed)
                    return await self._ask(addresses, request, most_bytes)
        except TimeoutError:
            raise OutboundTimedOut(f"{host} did not answer in {self.seconds:g} seconds.") from None

    @asynccontextmanager
    async def download(
        self,
        url: str,
        *,
        seconds: float,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> AsyncIterator[Opened]:
        """Open a URL for as long as it takes, but `seconds` at most; what `fetch` raises."""
        self.check_url(url)
        parsed = parse_url(url)
        host = parsed.raw_host or ""
        request = _Request(method, parsed, seconds, headers, content=content)
        try:
            async with asyncio.timeout(seconds) as clock:
                with _failing(host):
                    addresses = await self._resolve(host, parsed)
                    response = await self._open(addresses, request)
                try:
                    pieces = _pieces(host, response)
                    yield Opened(host, response.status_code, response.headers, pieces)
                finally:
                    await response.aclose()
        except TimeoutError:
            # What fails where the pieces are put is not the host's doing.
            if not clock.expired():
                raise
            raise OutboundTimedOut(f"{host} took longer than it may to answer.") from None

    async def addresses(self, url: str) -> list[str]:
        """Where a URL leads, every address allowed: for who connects by themselves, to these alone.

        Raises AddressRefused and OutboundFailed.
        """
        self.check_url(url)
        parsed = parse_url(url)
        host = parsed.raw_host or ""
        with _failing(host):
            return await self._resolve(host, parsed)

    async def _resolve(self, host: str, url: URL) -> list[str]:
        """The addresses of a host, every one allowed."""
        literal = literal_address(host)
        if literal is not None:
            return [str(literal)]
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, url.port, type=socket.SOCK_STREAM)
        except UnicodeError:
            raise AddressRefused("This is not a valid host.") from None
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        self._policy.check(host, addresses)
        return addresses

    async def _ask(self, addresses: list[str], request: _Request, most_bytes: int) -> Answer:
        host = request.host
        response = await self._open(addresses, request)
        try:
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > most_bytes:
                    raise OutboundFailed(f"{host} answered with more than {most_bytes} bytes.")
        finally:
            await response.aclose()
        return Answer(host, response.status_code, response.headers, bytes(body))

    async def _open(self, addresses: list[str], request: _Request) -> httpx2.Response:
        """The head of the answer of the first address that can be connected to."""
        for address in addresses[:-1]:
            try:
                return await self._send(address, request)
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                continue
        return await self._send(addresses[-1], request)

    async def _send(self, address: str, asked: _Request) -> httpx2.Response:
        given = asked.headers or {}
        request = self._ready().build_request(
            asked.method,
            str(asked.url.with_host(address).with_fragment(None)),
            headers={
                "Accept-Encoding": "identity",
                **{name: value for name, value in given.items() if name.lower() not in _OURS},
                **causes.told(),
                "Host": asked.url.host_port_subcomponent or asked.host,
            },
            data=asked.form,
            content=asked.content,
            extensions={"sni_hostname": asked.host},
            timeout=httpx2.Timeout(asked.seconds, connect=min(self.seconds, asked.seconds)),
        )
        return await self._ready().send(request, stream=True)

    def _ready(self) -> httpx2.AsyncClient:
        if self._client is None:
            self._client = httpx2.AsyncClient(
                follow_redirects=False,
                trust_env=False,
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
                timeout=self.seconds,
                limits=httpx2.Limits(max_connections=50, max_keepalive_connections=0),
                headers={"User-Agent": "Luminous"},
            )
        return self._client


async def _pieces(host: str, response: httpx2.Response) -> AsyncIterator[bytes]:
    with _failing(host):
        async for piece in response.aiter_raw():
            yield piece


@contextmanager
def _failing(host: str) -> Iterator[None]:
    try:
        yield
    except httpx2.TimeoutException as error:
        raise OutboundTimedOut(f"{host} took longer than it may to answer.") from error
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        raise OutboundFailed(f"{host}: {type(error).__name__}.") from error
