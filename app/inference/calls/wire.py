"""The way to a provider for a client's own bytes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from app.core.config import Settings
from app.inference.integrations.directory import Endpoint
from app.inference.providers.codec import BadAnswer, Codec, InBandError
from app.inference.providers.errors import ProviderError, ProviderGarbled
from app.inference.providers.events import fault_of
from app.inference.providers.opening import WHOLE_ANSWER_FACTOR, expect_success
from app.inference.providers.registry import KINDS
from app.inference.providers.transport import Exchange, Request, Transport
from app.inference.providers.transport.request import Body
from app.inference.routing.plan import Candidate

NONE: Final[dict[str, str]] = {}
# Where a candidate's requests are kept (`Candidate.memo`), and how many of them at most.
REQUESTS: Final = "requests"
MOST_REQUESTS: Final = 64


@dataclass(frozen=True, slots=True)
class Wire:
    """One a process. Every method is one attempt."""

    transport: Transport
    settings: Settings

    def first_token_seconds(self, candidate: Candidate) -> float:
        return candidate.timeouts.first_token or self.settings.provider_first_token_seconds

    async def open(
        self,
        candidate: Candidate,
        url: str,
        body: Body,
        *,
        method: str = "POST",
        headers: Mapping[str, str] | None = None,
        whole: bool = False,
    ) -> Exchange:
        """Send the body and wait for the answer's head; raises the ProviderError of a refusal.

        An answer that comes `whole` may be waited for ten times as long as a first token.
        """
        request = self._request(candidate, method, url, headers, whole=whole)
        exchange = await self.transport.send(request, body)
        if not 200 <= exchange.status < 300:
            await self._refuse(candidate, exchange)
        return exchange

    async def fetch(
        self,
        candidate: Candidate,
        url: str,
        body: bytes,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """A whole answer."""
        request = self._request(candidate, "POST", url, headers, whole=True)
        exchange = await self.transport.send(request, body)
        if not 200 <= exchange.status < 300:
            await self._refuse(candidate, exchange)
        try:
            # As a rule it has come with its head.
            answer = exchange.whole()
            return await exchange.read_body() if answer is None else answer
        finally:
            exchange.close()

    async def _refuse(self, candidate: Candidate, exchange: Exchange) -> None:
        endpoint = candidate.target.endpoint
        await expect_success(exchange, name_of(endpoint), endpoint.api_key, quoted=True)

    def _request(
        self,
        candidate: Candidate,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        *,
        whole: bool,
    ) -> Request:
        if headers or method != "POST":
            return self._prepared(candidate, method, url, headers or NONE, whole)
        return self._kept(candidate, url, whole)

    def _kept(self, candidate: Candidate, url: str, whole: bool) -> Request:
        """What a candidate is asked with again and again: it lives as long as the candidate."""
        kept: dict[tuple[str, bool], Request] | None = candidate.memo.get(REQUESTS)
        if kept is None:
            kept = candidate.memo[REQUESTS] = {}
        request = kept.get((url, whole))
        if request is None:
            if len(kept) >= MOST_REQUESTS:
                kept.clear()
            request = kept[url, whole] = self._prepared(candidate, "POST", url, NONE, whole)
        return request

    def _prepared(
        self, candidate: Candidate, method: str, url: str, headers: Mapping[str, str], whole: bool
    ) -> Request:
        endpoint, waits = candidate.target.endpoint, candidate.timeouts
        seconds = self.first_token_seconds(candidate)
        return self.transport.prepare(
            method,
            url,
            headers={**codec_of(endpoint).headers(endpoint.api_key), **headers},
            provider=name_of(endpoint),
            allow_private=endpoint.allow_private,
            first_byte_seconds=seconds * WHOLE_ANSWER_FACTOR if whole else seconds,
            connect_seconds=waits.connect,
            idle_seconds=waits.between_tokens,
            # A call for nothing costs little; one that fails since its connection was old, more.
            repeatable=True,
        )


def name_of(endpoint: Endpoint) -> str:
    return KINDS[endpoint.kind].label


def codec_of(endpoint: Endpoint) -> Codec:
    return _built(KINDS[endpoint.kind].codec, endpoint.base_url)


@lru_cache(maxsize=1024)
def _built(codec: Callable[[str], Codec], base_url: str) -> Codec:
    return codec(base_url)


def fault_in(endpoint: Endpoint, fault: BadAnswer | InBandError) -> ProviderError:
    """The error that stood inside an answer of status 200."""
    return fault_of(fault, name_of(endpoint), endpoint.api_key)


def garbled(endpoint: Endpoint, said: str) -> ProviderGarbled:
    return ProviderGarbled(name_of(endpoint), said)
