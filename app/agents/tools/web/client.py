"""The guarded way out for tools: one exchange, bounded in time and size, its faults as values."""

import asyncio
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import httpx2
from yarl import URL

from app.agents.tools.tool import ToolFault
from app.core.net import AddressRefused, parse_url
from app.core.outbound import Outbound

MIB: Final = 1024 * 1024
LONGEST_URL: Final = 4000
_PACKED: Final = frozenset({"gzip", "x-gzip", "deflate"})


@dataclass(frozen=True, slots=True)
class Ask:
    """One request of a tool; `most_bytes` of the answer's body are read."""

    method: str
    url: URL
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    content: bytes | None = field(default=None, repr=False)
    most_bytes: int = 2 * MIB


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of it; `cut` says that there was more than may be read."""

    url: URL
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    cut: bool = False

    @property
    def media_type(self) -> str:
        """`text/html`, say; empty where it is not told."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


def address(text: str) -> URL:
    """A URL as it is called: quoted, its host in ASCII, without a fragment; raises ToolFault."""
    if len(text) > LONGEST_URL:
        raise ToolFault("bad_url", f"A URL has at most {LONGEST_URL} characters.")
    try:
        url = URL(text.strip()).with_fragment(None)
        _ = url.port
    except ValueError:
        raise ToolFault("bad_url", "This is not a valid URL.") from None
    if url.scheme not in ("http", "https") or not url.raw_host:
        raise ToolFault("bad_url", "Only http and https URLs with a host can be called.")
    return url


class ToolClient(Outbound):
    """Outbound for tools: any method with any content, and answers that are cut, not refused."""

    async def exchange(self, ask: Ask, *, seconds: float) -> Reply:
        """Raises ToolFault: refused_address, timeout, unreachable, not_text."""
        host = ask.url.raw_host or ""
        with _faults(host, seconds):
            async with asyncio.timeout(seconds):
                self.check_url(str(ask.url))
                url = parse_url(str(ask.url))
                response = await self._start(await self._resolve(host, url), url, ask)
                try:
                    body, cut = await _bounded(response, ask.most_bytes)
                finally:
                    await response.aclose()
        body, more = _unpacked(host, response.headers, body, ask.most_bytes, cut=cut)
        return Reply(ask.url, response.status_code, response.headers, body, cut or more)

    async def _start(self, addresses: list[str], url: URL, ask: Ask) -> httpx2.Response:
        """The head of the answer of the first address that can be connected to."""
        for one in addresses[:-1]:
            try:
                return await self._put(one, url, ask)
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                continue
        return await self._put(addresses[-1], url, ask)

    async def _put(self, pinned: str, url: URL, ask: Ask) -> httpx2.Response:
        host = url.raw_host or ""
        request = self._ready().build_request(
            ask.method,
            str(url.with_host(pinned).with_fragment(None)),
            headers={
                "Accept-Encoding": "identity",
                **ask.headers,
                "Host": url.host_port_subcomponent or host,
            },
            content=ask.content,
            extensions={"sni_hostname": host},
        )
        return await self._ready().send(request, stream=True)


async def _bounded(response: httpx2.Response, most: int) -> tuple[bytes, bool]:
    body = bytearray()
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > most:
            return bytes(body[:most]), True
    return bytes(body), False


def _unpacked(
    host: str, headers: Mapping[str, str], body: bytes, most: int, *, cut: bool
) -> tuple[bytes, bool]:
    """The body of a server that packs though it was asked not to, and whether there was more."""
    packed = headers.get("content-encoding", "identity").lower().strip()
    if packed in ("", "identity") or not body:
        return body, False
    if packed not in _PACKED:
        raise ToolFault("not_text", f"{host} packed its answer ({packed[:20]}).")
    try:
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)
        whole = unpacker.decompress(body, most)
    except zlib.error:
        raise ToolFault(
            "not_text", f"{host} packed its answer in a way that is not read."
        ) from None
    return whole, cut or not unpacker.eof


@contextmanager
def _faults(host: str, seconds: float) -> Iterator[None]:
    try:
        yield
    except AddressRefused as refused:
        raise ToolFault("refused_address", refused.detail) from None
    except (TimeoutError, httpx2.TimeoutException):
        raise ToolFault("timeout", f"{host} did not answer in {seconds:g} seconds.") from None
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        raise ToolFault("unreachable", f"{host}: {type(error).__name__}.") from None
