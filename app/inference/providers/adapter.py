"""A provider over HTTP: the wire dialect is a codec, everything else is the same for all."""

from collections.abc import AsyncGenerator, Callable
from typing import TypeVar

import orjson

from app.core.config import Settings
from app.inference.providers.codec import Codec, Unsupported, expect_words
from app.inference.providers.errors import ProviderAuthFailed, ProviderUnfit
from app.inference.providers.events import DECODING_ERRORS, HttpEvents, fault_of, one_by_one
from app.inference.providers.opening import (
    WHOLE_ANSWER_FACTOR,
    expect_events,
    expect_success,
    first_token,
)
from app.inference.providers.retry import Retry
from app.inference.providers.transport import Exchange, Transport
from app.inference.providers.types import (
    USUAL,
    ChatRequest,
    ChatResult,
    Events,
    ModelListing,
    StreamEvent,
    Waits,
)

T = TypeVar("T")

MOST_PAGES = 20


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

    async def complete(self, request: ChatRequest, waits: Waits = USUAL) -> ChatResult:
        body = self._encode(request, streaming=False)
        url = self._codec.chat_url(request.model, streaming=False)
        seconds = (waits.first_token or self._first_token_seconds) * WHOLE_ANSWER_FACTOR
        answer = await self._fetch("POST", url, body, waits, seconds)
        return self._read(self._codec.decode, answer)

    async def open(self, request: ChatRequest, waits: Waits = USUAL) -> Events:
        body = self._encode(request, streaming=True)
        url = self._codec.chat_url(request.model, streaming=True)
        seconds = waits.first_token or self._first_token_seconds
        with first_token(self.name, seconds) as beginning:
            exchange = await self._send("POST", url, body, waits, seconds)
            beginning.exchange = exchange
            await expect_events(exchange, self.name, self._key)
            events = HttpEvents(exchange, self._codec.decoder(), self.name, self._key)
            await events.begin()
            return events

    def stream(
        self, request: ChatRequest, waits: Waits = USUAL
    ) -> AsyncGenerator[StreamEvent, None]:
        return one_by_one(lambda: self.open(request, waits))

    async def list_models(self) -> list[ModelListing]:
        models: list[ModelListing] = []
        after: str | None = None
        # A server may name a next page for ever.
        for _ in range(MOST_PAGES):
            url = self._codec.models_url(after)
            page, following = self._read(self._codec.decode_models, await self._get(url))
            models += page
            if following is None or following == after:
                break
            after = following
        return models

    async def check(self) -> None:
        await self._get(self._codec.check_url())

    async def _get(self, url: str) -> bytes:
        return await self._retry.call(lambda: self._fetch("GET", url, None))

    async def _send(
        self,
        method: str,
        url: str,
        body: bytes | None,
        waits: Waits = USUAL,
        first_byte_seconds: float | None = None,
    ) -> Exchange:
        exchange = await self._transport.open(
            method,
            url,
            headers=self._headers,
            body=body,
            provider=self.name,
            allow_private=self._allow_private,
            first_byte_seconds=first_byte_seconds,
            connect_seconds=waits.connect,
            idle_seconds=waits.between_tokens,
            # A call for nothing costs little; one that fails since its connection was old, more.
            repeatable=True,
        )
        await expect_success(exchange, self.name, self._key)
        return exchange

    async def _fetch(
        self,
        method: str,
        url: str,
        body: bytes | None,
        waits: Waits = USUAL,
        first_byte_seconds: float | None = None,
    ) -> bytes:
        exchange = await self._send(method, url, body, waits, first_byte_seconds)
        try:
            return await exchange.read_body()
        finally:
            exchange.close()

    def _read(self, decode: Callable[[bytes], T], body: bytes) -> T:
        try:
            return decode(body)
        except DECODING_ERRORS as error:
            raise fault_of(error, self.name, self._key) from None

    def _encode(self, request: ChatRequest, *, streaming: bool) -> bytes:
        try:
            expect_words(request, self._codec)
            return orjson.dumps(self._codec.encode(request, streaming=streaming))
        except Unsupported as error:
            raise ProviderUnfit(self.name, f"{error}", field=error.field) from None
        except (TypeError, ValueError):
            raise ProviderUnfit(self.name, "the request cannot be written as JSON.") from None
