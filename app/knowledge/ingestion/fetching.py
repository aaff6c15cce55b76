"""A document from an address: redirects are followed, and each is checked as the first was."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import unquote, urljoin, urlsplit

from app.core.outbound import Opened, Outbound
from app.knowledge.ingestion.errors import FetchFailed, FetchUnavailable
from app.knowledge.ingestion.naming import file_name, media_type

MOST_REDIRECTS: Final = 5
SECONDS: Final = 300.0
_PASSING: Final = frozenset((408, 425, 429))
_REDIRECTS: Final = frozenset((301, 302, 303, 307, 308))


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an address gives, to be read piece by piece."""

    name: str
    media_type: str
    pieces: AsyncIterator[bytes]


@asynccontextmanager
async def fetched(outbound: Outbound, url: str) -> AsyncIterator[Fetched]:
    """Raises FetchFailed, FetchUnavailable, and what Outbound raises."""
    ends = time.monotonic() + SECONDS
    for _ in range(MOST_REDIRECTS + 1):
        async with outbound.download(url, seconds=ends - time.monotonic()) as answer:
            if answer.status == 200:
                yield _fetched(url, answer)
                return
            if answer.status not in _REDIRECTS or not answer.headers.get("location"):
                passing = answer.status in _PASSING or answer.status >= 500
                kind = FetchUnavailable if passing else FetchFailed
                raise kind(f"{answer.host} answered with status {answer.status}.")
            url = _next(url, answer)
    raise FetchFailed(f"It redirects more than {MOST_REDIRECTS} times.")


def name_of(url: str) -> str:
    """The name that an address stands for: its last part, else its host."""
    parts = urlsplit(url)
    last = PurePosixPath(unquote(parts.path, errors="replace")).name
    return file_name(last or parts.hostname or "")


def _next(url: str, answer: Opened) -> str:
    try:
        return urljoin(url, answer.headers["location"])
    except ValueError:
        raise FetchFailed(f"{answer.host} redirects to what is no address.") from None


def _fetched(url: str, answer: Opened) -> Fetched:
    packed = answer.headers.get("content-encoding", "identity").lower()
    if packed not in ("", "identity"):
        raise FetchFailed(f"{answer.host} packed it ({packed[:20]}), though it was asked not to.")
    told = Message()
    told["content-disposition"] = answer.headers.get("content-disposition", "")[:1000]
    name = told.get_filename()
    return Fetched(
        file_name(name) if name else name_of(url),
        media_type(answer.headers.get("content-type")),
        answer.pieces,
    )
