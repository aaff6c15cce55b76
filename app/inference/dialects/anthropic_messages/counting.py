"""`/messages/count_tokens`."""

import orjson

from app.inference.dialects.anthropic_messages.dialect import AnthropicMessages
from app.inference.dialects.anthropic_messages.parse_blocks import NAME
from app.inference.dialects.ask import Ask
from app.inference.integrations.directory import Endpoint
from app.inference.providers.anthropic_messages import AnthropicCodec


class MessageTokenCount:
    name = NAME

    def __init__(self, dialect: AnthropicMessages) -> None:
        self._dialect = dialect

    def read(self, body: bytes, *, model: str | None = None) -> Ask:  # noqa: ARG002 - in the body
        return self._dialect.read_count(body)

    def passes_bytes_to(self, endpoint: Endpoint) -> bool:
        return endpoint.dialect == NAME

    def url(self, endpoint: Endpoint, model: str) -> str:  # noqa: ARG002 - in the body
        return AnthropicCodec(endpoint.base_url).count_url()

    def body(self, ask: Ask, model: str) -> bytes:
        return self._dialect.upstream_body(ask, model)

    def answer(self, tokens: int) -> bytes:
        return orjson.dumps({"input_tokens": tokens})
