"""The guarded way out for tools: one exchange, bounded in time and size, its faults as values."""

import re
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from yarl import URL

from app.agents.tools.tool import ToolFault
from app.core.net import AddressRefused
from app.core.outbound import Outbound, OutboundFailed, OutboundTimedOut

MIB: Final = 1024 * 1024
LONGEST_URL: Final = 4000
_WRITTEN: Final = re.compile(r"\s*https?://[^\x00-\x1f\x7f\\]+\Z", re.IGNORECASE)
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
    if not _WRITTEN.match(text):
        # A parser of URLs passes over control characters: what it reads, nobody would see.
        raise ToolFault("bad_url", "Write the whole URL, from http: or https: on, in one piece.")
    try:
        url = URL(text.strip()).with_fragment(None)
        _ = url.port
    except ValueError:
        raise ToolFault("bad_url", "This is not a valid URL.") from None
    if url.scheme not in ("http", "https") or not url.raw_host:
        raise ToolFault("bad_url", "Only http and https URLs with a host can be called.")
    return url


class ToolClient:
    """Outbound for tools: answers that are too long are cut, and faults are told to the model."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound

    async def exchange(self, ask: Ask, *, seconds: float) -> Reply:
        """Raises ToolFault: refused_address, timeout, unreachable, not_text."""
        host = ask.url.raw_host or ""
        with _faults(host, seconds):
            async with self._outbound.download(
                str(ask.url),
                seconds=seconds,
                method=ask.method,
                headers=ask.headers,
                content=ask.content,
            ) as answer:
                body, cut = await _bounded(answer.pieces, ask.most_bytes)
        body, more = _unpacked(host, answer.headers, body, ask.most_bytes, cut=cut)
        return Reply(ask.url, answer.status, answer.headers, body, cut or more)


async def _bounded(pieces: AsyncIterator[bytes], most: int) -> tuple[bytes, bool]:
    body = bytearray()
    async for piece in pieces:
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
    except OutboundTimedOut:
        raise ToolFault("timeout", f"{host} did not answer in {seconds:g} seconds.") from None
    except OutboundFailed as failed:
        raise ToolFault("unreachable", failed.detail) from None
