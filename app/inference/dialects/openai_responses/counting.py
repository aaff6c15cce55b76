"""`/responses/input_tokens`."""

from typing import Final

import orjson

from app.inference.dialects.addresses import beside_chat
from app.inference.dialects.ask import Ask
from app.inference.dialects.openai_responses.dialect import NAME, OpenAIResponses
from app.inference.integrations.directory import Endpoint

PATH: Final = "/responses/input_tokens"


class InputTokenCount:
    name = NAME

    def __init__(self, dialect: OpenAIResponses) -> None:
        self._dialect = dialect

    def read(self, body: bytes, *, model: str | None = None) -> Ask:
        return self._dialect.read(body, model=model, streaming=False)

    def passes_bytes_to(self, endpoint: Endpoint) -> bool:
        return self._dialect.passes_bytes_to(endpoint)

    def url(self, endpoint: Endpoint, model: str) -> str:  # noqa: ARG002 - in the body
        return beside_chat(endpoint, PATH)

    def body(self, ask: Ask, model: str) -> bytes:
        return self._dialect.upstream_body(ask, model)

    def answer(self, tokens: int) -> bytes:
        return orjson.dumps({"object": "response.input_tokens", "input_tokens": tokens})
