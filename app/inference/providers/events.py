"""The events of one answer of a provider over HTTP, as they arrive."""

from collections.abc import AsyncGenerator, Awaitable, Callable

from app.inference.providers.codec import BadAnswer, InBandError, StreamDecoder
from app.inference.providers.errors import ProviderError, ProviderGarbled
from app.inference.providers.failures import redact, refusal
from app.inference.providers.sse import EventTooLarge, SseReader
from app.inference.providers.transport import Exchange
from app.inference.providers.types import Events, StreamEvent, UsageReport

# What a codec meets in an answer of another shape than its dialect's.
SHAPE_ERRORS = (ValueError, KeyError, TypeError, AttributeError, IndexError)
DECODING_ERRORS = (EventTooLarge, InBandError, BadAnswer, *SHAPE_ERRORS)


async def one_by_one(
    opening: Callable[[], Awaitable[Events]],
) -> AsyncGenerator[StreamEvent, None]:
    """The events of an answer; `aclose()` closes the upstream connection at once."""
    events = await opening()
    try:
        while read := await events.read():
            for event in read:
                yield event
    finally:
        events.close()


class HttpEvents:
    """Reads an exchange whose head has come. `secret` is kept out of what errors say."""

    __slots__ = ("_decoder", "_ended", "_exchange", "_failure", "_provider", "_ready", "_secret",
                 "_sse")  # fmt: skip

    def __init__(
        self, exchange: Exchange, decoder: StreamDecoder, provider: str, secret: str
    ) -> None:
        self._exchange = exchange
        self._decoder = decoder
        self._provider = provider
        self._secret = secret
        self._sse = SseReader()
        self._ready: list[StreamEvent] = []
        self._failure: ProviderError | None = None
        self._ended = False

    async def begin(self) -> None:
        """Wait for the first event that is more than a count of tokens."""
        # Usage may come ahead of the answer; it is no reason to call the answer begun.
        looked_at = 0
        while all(isinstance(event, UsageReport) for event in self._ready[looked_at:]):
            looked_at = len(self._ready)
            if self._failure is not None:
                raise self._failure
            if self._ended:
                return
            await self._advance()

    async def read(self) -> list[StreamEvent]:
        """The events that have arrived, or the next ones; empty at the end.

        What came before a fault is given before the fault is raised.
        """
        while not self._ready:
            if self._failure is not None:
                raise self._failure
            if self._ended:
                await self._exchange.drain()
                return []
            await self._advance()
        ready, self._ready = self._ready, []
        return ready

    def close(self) -> None:
        self._exchange.close()

    async def _advance(self) -> None:
        chunk = await self._exchange.read_chunk()
        try:
            self._decode(chunk)
        except DECODING_ERRORS as error:
            self._failure = fault_of(error, self._provider, self._secret)
        self._ended = self._decoder.done or not chunk

    def _decode(self, chunk: bytes) -> None:
        """Add what has arrived to what is ready; what came before a fault stays there."""
        ready, decoder = self._ready, self._decoder
        for data in self._sse.feed(chunk) if chunk else self._sse.end():
            ready += decoder.feed(data)
        if not chunk and not decoder.done:
            ready += decoder.end()


def fault_of(error: Exception, provider: str, secret: str) -> ProviderError:
    """The error that an answer is which its codec could not read."""
    if isinstance(error, EventTooLarge):
        return ProviderGarbled(provider, "an event of the stream is too large.")
    if isinstance(error, InBandError):
        complaint = error.complaint
        if error.kind is not None:
            return error.kind(provider, redact(complaint.message, secret))
        return refusal(provider, complaint.in_band_status, complaint, secret=secret)
    said = str(error) if isinstance(error, BadAnswer) else "the answer is not in its dialect."
    return ProviderGarbled(provider, said)
