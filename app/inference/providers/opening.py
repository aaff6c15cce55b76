"""How an answer begins, for whoever reads on: refused, no stream at all, or its first token."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from app.inference.providers.errors import (
    ProviderError,
    ProviderGarbled,
    ProviderInterrupted,
    ProviderTimedOut,
    ProviderUnreachable,
)
from app.inference.providers.failures import Complaint, read_complaint, refusal, retry_after
from app.inference.providers.transport import Exchange

# An answer that comes whole may take this many times as long as a first token.
WHOLE_ANSWER_FACTOR = 10
MAX_ERROR_BYTES = 256 * 1024


async def read_refusal(
    exchange: Exchange, provider: str, secret: str
) -> tuple[ProviderError, bytes]:
    """The error that an answer of another status than 200 is, and the body it was read from."""
    body = b""
    try:
        while len(body) < MAX_ERROR_BYTES and (chunk := await exchange.read_chunk()):
            body += chunk
        complaint = read_complaint(body)
    except ProviderError:
        complaint = Complaint()
    wait = retry_after(exchange.headers)
    return refusal(provider, exchange.status, complaint, secret=secret, wait=wait), body


async def expect_events(exchange: Exchange, provider: str, secret: str) -> None:
    """Refuse an answer to a streaming request that is no stream."""
    kind = exchange.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        complaint = read_complaint(await exchange.read_body())
        if complaint.message:
            raise refusal(provider, complaint.in_band_status, complaint, secret=secret)
    if kind in ("application/json", "text/html"):
        raise ProviderGarbled(provider, f"answered a stream with {kind}.")


@dataclass(slots=True)
class Beginning:
    """Where the exchange is kept as soon as there is one, so that a failure closes it."""

    exchange: Exchange | None = None


@asynccontextmanager
async def first_token(provider: str, seconds: float) -> AsyncIterator[Beginning]:
    """One deadline for the head and the first token: comments that keep alive are no answer.

    A connection that breaks off within was never an answer, and may be tried again.
    """
    beginning = Beginning()
    try:
        async with asyncio.timeout(seconds):
            yield beginning
    except BaseException as error:
        if beginning.exchange is not None:
            beginning.exchange.close()
        if isinstance(error, TimeoutError):
            raise ProviderTimedOut(provider, "no first token in time.") from None
        if isinstance(error, ProviderInterrupted):
            said = "it closed the connection before its first token."
            raise ProviderUnreachable(provider, said) from None
        raise
