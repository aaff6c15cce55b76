"""The Messages codec."""

from typing import Any

import orjson

from app.inference.providers.anthropic_messages.decode import EventDecoder, decode_message
from app.inference.providers.anthropic_messages.encode import encode_request
from app.inference.providers.anthropic_messages.encode_blocks import DIALECT
from app.inference.providers.codec import StreamDecoder, optional_count
from app.inference.providers.types import ChatRequest, ChatResult, ModelListing
from app.inference.providers.urls import join, with_default_path

API_VERSION = "2023-06-01"

TAKES = frozenset({
    "tools", "tool_choice", "parallel_tool_calls", "response_format", "temperature", "top_p",
    "max_output_tokens", "stop", "reasoning_effort", "reasoning_budget", "shows_reasoning", "user",
    "top_k", "service_tier",
})  # fmt: skip


class AnthropicCodec:
    dialect = DIALECT
    takes = TAKES

    def __init__(self, base_url: str) -> None:
        self._base = with_default_path(base_url, "/v1")

    def headers(self, api_key: str) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "anthropic-version": API_VERSION}
        return headers | {"x-api-key": api_key} if api_key else headers

    def chat_url(self, model: str, *, streaming: bool) -> str:  # noqa: ARG002 - one for all
        return join(self._base, "/messages")

    def count_url(self) -> str:
        return join(self._base, "/messages/count_tokens")

    def encode(self, request: ChatRequest, *, streaming: bool) -> dict[str, Any]:
        return encode_request(request, streaming=streaming)

    def decode(self, body: bytes) -> ChatResult:
        return decode_message(body)

    def decoder(self) -> StreamDecoder:
        return EventDecoder()

    def models_url(self, after: str | None) -> str:
        page = {"limit": "1000"} | ({"after_id": after} if after else {})
        return join(self._base, "/models", **page)

    def decode_models(self, body: bytes) -> tuple[list[ModelListing], str | None]:
        document = orjson.loads(body)
        models = [
            ModelListing(
                name=row["id"],
                display_name=row.get("display_name"),
                owner="anthropic",
                context_window=optional_count(row.get("max_input_tokens")),
                max_output_tokens=optional_count(row.get("max_tokens")),
                retires_at=row.get("retires_at"),
            )
            for row in document["data"]
        ]
        return models, document.get("last_id") if document.get("has_more") else None

    def check_url(self) -> str:
        return join(self._base, "/models", limit="1")
