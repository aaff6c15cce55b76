"""A provider over HTTP: the wire dialect is a codec, everything else is the same for all."""

from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

import orjson

from app.core.config import Settings
from app.inference.providers.codec import (
    BadAnswer,
    Codec,
    InBandError,
    StreamDecoder,
    Unsupported,
    expect_words,
)
from app.inference.providers.errors import (
    ProviderAuthFailed,
    ProviderError,
    ProviderGarbled,
    ProviderRejected,
)
from app.inference.providers.failures import redact, refusal
from app.inference.providers.opening import (
    WHOLE_ANSWER_FACTOR,
    expect_events,
    first_token,
    read_refusal,
)
from app.inference.providers.retry import Retry
from app.inference.providers.sse import EventTooLarge, SseReader
from app.inference.providers.transport import Exchange, Transport
from app.inference.providers.types import (
    ChatRequest,
    ChatResult,
    ModelListing,
    StreamEvent,
    UsageReport,
)

T = TypeVar("T")
# What a codec meets in an answer of another shape than its dialect's.
SHAPE_ERRORS = (ValueError, KeyError, TypeError, AttributeError, IndexError)


@dataclass(slots=True)
class Opening:
    """A stream whose first event has come."""

    exchange: Exchange
    reader: SseReader
    decoder: StreamDecoder
    events: list[StreamEvent] = field(default_factory=list)


class HttpProvider:
    """A Provider that speaks `codec` to one base URL with one key."""

    def __init__(
        self,
        name: str,
        codec: Codec,
        api_key: str,
        transport: Transport,
        settings: Settings,
        *,
        allow_private: bool = False,
        retry: Retry | None = None,
    ) -> None:
        self._key = api_key.strip()
        if not (self._key.isascii() and self._key.isprintable()):
            raise ProviderAuthFailed(name, "the key holds characters that no key can have.")
        self.name = name
        self.dialect = codec.dialect
        self._codec = codec
        self._transport = transport
        self._allow_private = allow_private
        self._retry = retry or Retry(settings.provider_retries)
        self._first_token_seconds = settings.provider_first_token_seconds
        self._headers = codec.headers(self._key)

    async def complete(self, request: ChatRequest) -> ChatResult:
        body = self._encode(request, streaming=False)
        url = self._codec.chat_url(request.model, streaming=False)

        async def attempt() -> ChatResult:
            wait = self._first_token_seconds * WHOLE_ANSWER_FACTOR
            answer = await self._fetch("POST", url, body, first_byte_seconds=wait)
            return self._read(self._codec.decode, answer)

        return await self._retry.call(attempt)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[StreamEvent, None]:
        body = self._encode(request, streaming=True)
        url = self._codec.chat_url(request.model, streaming=True)
        opening = await self._retry.call(lambda: self._open_stream(url, body))
        exchange, reader, decoder = opening.exchange, opening.reader, opening.decoder
        try:
            for event in opening.events:
                yield event
            while not decoder.done:
                chunk = await exchange.read_chunk()
                for event in self._decode(reader, decoder, chunk):
                    yield event
                if not chunk:
                    break
            await exchange.drain()
        finally:
            exchange.close()

    async def list_models(self) -> list[ModelListing]:
        models: list[ModelListing] = []
        after: str | None = None
        while True:
            url = self._codec.models_url(after)
            page, following = self._read(self._codec.decode_models, await self._get(url))
            models += page
            if following is None or following == after:
                return models
            after = following

    async def check(self) -> None:
        await self._get(self._codec.check_url())

    async def _get(self, url: str) -> bytes:
        return await self._retry.call(lambda: self._fetch("GET", url, None))

    async def _open(
        self, method: str, url: str, body: bytes | None, *, first_byte_seconds: float | None = None
    ) -> Exchange:
        exchange = await self._transport.open(
            method,
            url,
            headers=self._headers,
            body=body,
            provider=self.name,
            allow_private=self._allow_private,
            first_byte_seconds=first_byte_seconds,
        )
        if 200 <= exchange.status < 300:
            return exchange
        try:
            error, _ = await read_refusal(exchange, self.name, self._key)
            raise error
        finally:
            exchange.close()

    async def _fetch(
        self, method: str, url: str, body: bytes | None, *, first_byte_seconds: float | None = None
    ) -> bytes:
        exchange = await self._open(method, url, body, first_byte_seconds=first_byte_seconds)
        try:
            return await exchange.read_body()
        finally:
            exchange.close()

    async def _open_stream(self, url: str, body: bytes) -> Opening:
        async with first_token(self.name, self._first_token_seconds) as beginning:
            beginning.exchange = exchange = await self._open("POST", url, body)
            await expect_events(exchange, self.name, self._key)
            return await self._first_event(exchange)

    async def _first_event(self, exchange: Exchange) -> Opening:
        opening = Opening(exchange, SseReader(), self._codec.decoder())
        # Usage may come ahead of the answer; it is no reason to call the answer begun.
        while all(isinstance(event, UsageReport) for event in opening.events):
            chunk = await exchange.read_chunk()
            opening.events += self._decode(opening.reader, opening.decoder, chunk)
            if not chunk:
                break
        return opening

    def _decode(
        self, reader: SseReader, decoder: StreamDecoder, chunk: bytes
    ) -> Iterator[StreamEvent]:
        # A generator, so that what came before a fault is delivered before it is raised.
        try:
            for data in reader.feed(chunk) if chunk else reader.end():
                yield from decoder.feed(data)
            if not chunk and not decoder.done:
                yield from decoder.end()
        except EventTooLarge:
            raise ProviderGarbled(self.name, "an event of the stream is too large.") from None
        except InBandError as error:
            raise self._in_band(error) from None
        except (BadAnswer, *SHAPE_ERRORS) as error:
            raise ProviderGarbled(self.name, told(error)) from None

    def _read(self, decode: Callable[[bytes], T], body: bytes) -> T:
        try:
            return decode(body)
        except InBandError as error:
            raise self._in_band(error) from None
        except (BadAnswer, *SHAPE_ERRORS) as error:
            raise ProviderGarbled(self.name, told(error)) from None

    def _in_band(self, error: InBandError) -> ProviderError:
        complaint = error.complaint
        if error.kind is not None:
            return error.kind(self.name, redact(complaint.message, self._key))
        return refusal(self.name, complaint.in_band_status, complaint, secret=self._key)

    def _encode(self, request: ChatRequest, *, streaming: bool) -> bytes:
        try:
            expect_words(request, self._codec)
            return orjson.dumps(self._codec.encode(request, streaming=streaming))
        except Unsupported as error:
            raise ProviderRejected(self.name, f"{error}") from None
        except (TypeError, ValueError):
            raise ProviderRejected(self.name, "the request cannot be written as JSON.") from None


def told(error: Exception) -> str:
    return str(error) if isinstance(error, BadAnswer) else "the answer is not in its dialect."
