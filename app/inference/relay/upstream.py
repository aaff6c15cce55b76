"""The way to a provider of the same dialect: a body of bytes, tried again before its first byte."""

from dataclasses import dataclass
from typing import Any

import orjson

from app.core.config import Settings
from app.inference.dialects.dialect import Dialect
from app.inference.dialects.errors import UpstreamWords
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


@dataclass(slots=True)
class Upstream:
    """One call's provider. `words` is what it said when it last refused."""

    dialect: Dialect
    transport: Transport
    settings: Settings
    endpoint: Endpoint
    url: str = ""
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
            self.url,
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
            self.words = self.dialect.words_of(said)
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
        try:
            self.dialect.check_answer(document)
        except (InBandError, BadAnswer) as fault:
            raise self.in_band(fault) from None
        return answer, document

    def in_band(self, fault: InBandError | BadAnswer) -> ProviderError:
        """The error that stood inside an answer of status 200."""
        if isinstance(fault, BadAnswer):
            return ProviderGarbled(self.name, str(fault))
        complaint = fault.complaint
        return refusal(self.name, complaint.in_band_status, complaint, secret=self.endpoint.api_key)

    def interrupted(self) -> ProviderInterrupted:
        return ProviderInterrupted(self.name)
