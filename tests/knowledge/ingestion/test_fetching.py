"""Fetching by address, against a server that means no good."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio

from app.core.net import AddressRefused
from app.core.outbound import Outbound, OutboundTimedOut
from app.knowledge.ingestion import fetching
from app.knowledge.ingestion.errors import FetchFailed, FetchUnavailable


@pytest_asyncio.fixture
async def outbound() -> AsyncIterator[Outbound]:
    way = Outbound(("127.0.0.1",))
    yield way
    await way.close()


@asynccontextmanager
async def answering(status: int, *heads: str, pause: float = 0) -> AsyncIterator[str]:
    """A server that says the same to whoever asks."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(pause)
        told = "".join(f"{head}\r\n" for head in heads)
        writer.write(f"HTTP/1.1 {status} X\r\n{told}Content-Length: 5\r\n\r\nwords".encode())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/start"


async def read(outbound: Outbound, url: str) -> bytes:
    async with fetching.fetched(outbound, url) as found:
        return b"".join([piece async for piece in found.pieces])


@pytest.mark.parametrize(
    ("location", "error"),
    [
        ("https://169.254.169.254/latest", AddressRefused),
        ("http://10.0.0.1/", AddressRefused),
        ("file:///etc/passwd", AddressRefused),
        (f"https://{'a' * 64}.example/", AddressRefused),
        ("http://[x/", FetchFailed),
        ("/start", FetchFailed),
    ],
)
async def test_where_an_address_leads_is_checked_each_time(
    outbound: Outbound, location: str, error: type[Exception]
) -> None:
    async with answering(302, f"Location: {location}") as url:
        with pytest.raises(error):
            await read(outbound, url)


async def test_redirects_share_the_time_of_one_document(
    outbound: Outbound, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "SECONDS", 0.5)
    async with answering(302, "Location: /start", pause=0.2) as url:
        with pytest.raises(OutboundTimedOut):
            await read(outbound, url)


async def test_what_is_packed_is_not_unpacked(outbound: Outbound) -> None:
    async with answering(200, "Content-Encoding: gzip") as url:
        with pytest.raises(FetchFailed, match="packed"):
            await read(outbound, url)
    async with answering(503) as url:
        with pytest.raises(FetchUnavailable):
            await read(outbound, url)


async def test_a_name_that_is_built_to_do_harm_is_no_name(outbound: Outbound) -> None:
    head = f"Content-Disposition: attachment; filename*{'1' * 5000}*=x; filename=a.md"
    async with answering(200, head) as url, fetching.fetched(outbound, url) as found:
        assert found.name == "start"


async def test_an_error_of_who_keeps_it_is_not_the_hosts(outbound: Outbound) -> None:
    async with answering(200) as url:
        for error in (OSError(28, "the disk is full"), TimeoutError("the disk is full")):
            with pytest.raises(OSError, match="the disk is full"):
                async with fetching.fetched(outbound, url):
                    raise error
