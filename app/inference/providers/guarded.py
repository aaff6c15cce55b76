"""A plug-in's own provider behind the promises that the service makes of every provider."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from typing import Protocol, TypeVar

from app.core.config import Settings
from app.core.log import get_logger
from app.inference.providers.codec import Unsupported, expect_words
from app.inference.providers.errors import (
    ProviderError,
    ProviderFailed,
    ProviderTimedOut,
    ProviderUnfit,
)
from app.inference.providers.events import one_by_one
from app.inference.providers.failures import redact
from app.inference.providers.opening import WHOLE_ANSWER_FACTOR
from app.inference.providers.pumped import PumpedEvents
from app.inference.providers.types import (
    USUAL,
    ChatRequest,
    ChatResult,
    Events,
    ModelListing,
    StreamEvent,
    Waits,
)

log = get_logger(__name__)

T = TypeVar("T")


class Inner(Protocol):
    async def complete(self, request: ChatRequest, waits: Waits) -> ChatResult: ...

    def stream(self, request: ChatRequest, waits: Waits) -> AsyncGenerator[StreamEvent, None]: ...

    async def list_models(self) -> list[ModelListing]: ...

    async def check(self) -> None: ...


class Given(Protocol):
    @property
    def api_key(self) -> str: ...

    @property
    def settings(self) -> Settings: ...


class GuardedProvider:
    """Refuses what the plug-in has no words for, keeps its times, and knows its failures.

    What a plug-in raises that is no ProviderError is a ProviderFailed without its words; the key
    stands in none.
    """

    def __init__(
        self, name: str, dialect: str, takes: frozenset[str], inner: Inner, given: Given
    ) -> None:
        self.name = name
        self.dialect = dialect
        self.takes = takes
        self._inner = inner
        self._key = given.api_key.strip()
        self._settings = given.settings

    async def complete(self, request: ChatRequest, waits: Waits = USUAL) -> ChatResult:
        self._expect_words(request)
        seconds = self._first_token(waits) * WHOLE_ANSWER_FACTOR
        return await self._within(seconds, self._inner.complete(request, waits))

    async def open(self, request: ChatRequest, waits: Waits = USUAL) -> Events:
        self._expect_words(request)
        idle = waits.between_tokens or self._settings.provider_idle_seconds
        stream = self._inner.stream(request, waits)
        events = PumpedEvents(stream, self.name, idle, self.fault_of)
        try:
            await events.begin(self._first_token(waits))
        except BaseException:
            events.close()
            raise
        return events

    def stream(
        self, request: ChatRequest, waits: Waits = USUAL
    ) -> AsyncGenerator[StreamEvent, None]:
        return one_by_one(lambda: self.open(request, waits))

    async def list_models(self) -> list[ModelListing]:
        return await self._within(self._first_token(USUAL), self._inner.list_models())

    async def check(self) -> None:
        await self._within(self._first_token(USUAL), self._inner.check())

    def fault_of(self, error: Exception) -> ProviderError:
        """What a client is told of an exception that came out of the plug-in."""
        if isinstance(error, ProviderError):
            error.detail = redact(error.detail, self._key)
            return error
        # Its words may hold anything, the key included.
        log.warning("provider_plugin_failed", provider=self.name, error=type(error).__name__)
        return ProviderFailed(self.name, "its plug-in failed.")

    def _first_token(self, waits: Waits) -> float:
        return waits.first_token or self._settings.provider_first_token_seconds

    async def _within(self, seconds: float, call: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(seconds) as limit:
                return await call
        except Exception as error:  # noqa: BLE001 - any that another's code can raise
            if limit.expired() and isinstance(error, TimeoutError):
                raise ProviderTimedOut(self.name, "no answer in time.") from None
            raise self.fault_of(error) from None

    def _expect_words(self, request: ChatRequest) -> None:
        try:
            expect_words(request, self)
        except Unsupported as error:
            raise ProviderUnfit(self.name, f"{error}", field=error.field) from None
