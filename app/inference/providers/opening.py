"""How an answer begins, for whoever reads on: refused, no stream at all, or its first token."""

from types import TracebackType
from typing import Self

from app.core.waiting import deadline
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
EVENTS = b"text/event-stream"


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


async def expect_success(
    exchange: Exchange, provider: str, secret: str, *, quoted: bool = False
) -> None:
    """Raise the error that an answer of another status than 200 is, and close its connection.

    A `quoted` one keeps what the provider said, for clients that speak its own dialect.
    """
    if 200 <= exchange.status < 300:
        return
    try:
        error, said = await read_refusal(exchange, provider, secret)
    finally:
        exchange.close()
    error.said = said if quoted else b""
    raise error


async def expect_events(exchange: Exchange, provider: str, secret: str) -> None:
    """Refuse an answer to a streaming request that is no stream."""
    told = exchange.headers.find(b"content-type")
    if told is None or told.startswith(EVENTS):
        return
    kind = told.decode("latin-1").partition(";")[0].strip().lower()
    if kind == "application/json":
        complaint = read_complaint(await exchange.read_body())
        if complaint.message:
            raise refusal(provider, complaint.in_band_status, complaint, secret=secret)
    if kind in ("application/json", "text/html"):
        raise ProviderGarbled(provider, f"answered a stream with {kind}.")


class first_token:  # noqa: N801 - it is read as a verb
    """One deadline for the head and the first token: comments that keep alive are no answer.

    `exchange` is set as soon as there is one, so that a failure closes it. A connection that
    breaks off within was never an answer, and may be tried again.
    """

    __slots__ = ("_deadline", "_provider", "exchange")

    def __init__(self, provider: str, seconds: float) -> None:
        self.exchange: Exchange | None = None
        self._provider = provider
        self._deadline = deadline(seconds)

    def __enter__(self) -> Self:
        self._deadline.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None and self.exchange is not None:
            self.exchange.close()
        try:
            self._deadline.__exit__(kind, error, trace)
        except TimeoutError:
            raise ProviderTimedOut(self._provider, "no first token in time.") from None
        if isinstance(error, TimeoutError):
            raise ProviderTimedOut(self._provider, "no first token in time.") from None
        if isinstance(error, ProviderInterrupted):
            said = "it closed the connection before its first token."
            raise ProviderUnreachable(self._provider, said) from None
