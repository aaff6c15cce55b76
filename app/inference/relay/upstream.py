"""The way to a provider of the same dialect: a body of bytes, tried again before its first byte."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from app.core.config import Settings
from app.inference.integrations.directory import Endpoint
from app.inference.providers.codec import BadAnswer, InBandError
from app.inference.providers.errors import (
    ProviderError,
    ProviderGarbled,
    ProviderInterrupted,
)
from app.inference.providers.failures import refusal
from app.inference.providers.opening import WHOLE_ANSWER_FACTOR, read_refusal
from app.inference.providers.registry import KINDS
from app.inference.providers.retry import Retry
from app.inference.providers.transport import Exchange, Transport
from app.inference.relay.errors import UpstreamWords


@lru_cache(maxsize=1024)
def chat_url(kind: str, base_url: str) -> str:
    return KINDS[kind].codec(base_url).chat_url("", streaming=True)


@dataclass(slots=True)
class Upstream:
    """One call's provider. `words` is what it said when it last refused."""

    transport: Transport
    settings: Settings
    endpoint: Endpoint
    words: UpstreamWords | None = None

    @property
    def name(self) -> str:
        return KINDS[self.endpoint.kind].label

    @property
    def retry(self) -> Retry:
        return Retry(self.settings.provider_retries)

    async def open(self, body: bytes, *, streaming: bool) -> Exchange:
        """Send the body; raises the ProviderError that a refusal is."""
        endpoint = self.endpoint
        seconds = self.settings.provider_first_token_seconds
        exchange = await self.transport.open(
            "POST",
            chat_url(endpoint.kind, endpoint.base_url),
            headers=KINDS[endpoint.kind].codec(endpoint.base_url).headers(endpoint.api_key),
            body=body,
            provider=self.name,
            allow_private=endpoint.allow_private,
            first_byte_seconds=seconds if streaming else seconds * WHOLE_ANSWER_FACTOR,
        )
        if 200 <= exchange.status < 300:
            return exchange
        try:
            error, said = await read_refusal(exchange, self.name, endpoint.api_key)
            self.words = words_of(said)
            raise error
        finally:
            exchange.close()

    async def fetch(self, body: bytes) -> tuple[bytes, dict[str, Any]]:
        """Give a whole completion, as bytes and as what they say."""
        exchange = await self.open(body, streaming=False)
        try:
            answer = await exchange.read_body()
        finally:
            exchange.close()
        try:
            document = orjson.loads(answer)
        except ValueError:
            raise ProviderGarbled(self.name, "the answer is not JSON.") from None
        if isinstance(document, dict) and document.get("error"):
            raise self.in_band(InBandError(document))
        if not isinstance(document, dict) or not isinstance(document.get("choices"), list):
            raise ProviderGarbled(self.name, "the answer is not a chat completion.")
        return answer, document

    def in_band(self, fault: InBandError | BadAnswer) -> ProviderError:
        """The error that stood inside an answer of status 200."""
        if isinstance(fault, BadAnswer):
            return ProviderGarbled(self.name, str(fault))
        complaint = fault.complaint
        return refusal(self.name, complaint.in_band_status, complaint, secret=self.endpoint.api_key)

    def interrupted(self) -> ProviderInterrupted:
        return ProviderInterrupted(self.name)


def words_of(body: bytes) -> UpstreamWords | None:
    try:
        document = orjson.loads(body)
    except ValueError:
        return None
    error = document.get("error") if isinstance(document, dict) else None
    if not isinstance(error, dict):
        return None
    param, code = error.get("param"), error.get("code")
    return UpstreamWords(
        param[:100] if isinstance(param, str) else None,
        code[:100] if isinstance(code, str) else None,
    )
