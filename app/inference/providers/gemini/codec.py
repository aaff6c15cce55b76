"""The Gemini codec."""

from typing import Any
from urllib.parse import quote

import orjson

from app.inference.providers.codec import StreamDecoder, optional_count
from app.inference.providers.gemini.decode import ResponseDecoder, decode_response
from app.inference.providers.gemini.encode import encode_request
from app.inference.providers.gemini.encode_contents import DIALECT
from app.inference.providers.types import ChatRequest, ChatResult, ModelListing
from app.inference.providers.urls import join, with_default_path

TAKES = frozenset({
    "tools", "tool_choice", "parallel_tool_calls", "response_format", "temperature", "top_p",
    "max_output_tokens", "stop", "reasoning_effort", "reasoning_budget", "shows_reasoning",
    "seed", "top_k", "frequency_penalty", "presence_penalty", "logprobs", "top_logprobs",
    "service_tier", "metadata",
})  # fmt: skip


class GeminiCodec:
    dialect = DIALECT
    takes = TAKES

    def __init__(self, base_url: str) -> None:
        self._base = with_default_path(base_url, "/v1beta")

    def headers(self, api_key: str) -> dict[str, str]:
        headers = {"Content-Type": "application/json"}
        return headers | {"x-goog-api-key": api_key} if api_key else headers

    def chat_url(self, model: str, *, streaming: bool) -> str:
        if streaming:
            return join(self._base, f"{path_of(model)}:streamGenerateContent", alt="sse")
        return join(self._base, f"{path_of(model)}:generateContent")

    def count_url(self, model: str) -> str:
        return join(self._base, f"{path_of(model)}:countTokens")

    def encode(self, request: ChatRequest, *, streaming: bool) -> dict[str, Any]:  # noqa: ARG002
        return encode_request(request)

    def decode(self, body: bytes) -> ChatResult:
        return decode_response(body)

    def decoder(self) -> StreamDecoder:
        return ResponseDecoder()

    def models_url(self, after: str | None) -> str:
        page = {"pageSize": "1000"} | ({"pageToken": after} if after else {})
        return join(self._base, "/models", **page)

    def decode_models(self, body: bytes) -> tuple[list[ModelListing], str | None]:
        document = orjson.loads(body)
        models = [
            ModelListing(
                name=row["name"].removeprefix("models/"),
                display_name=row.get("displayName"),
                owner="google",
                context_window=optional_count(row.get("inputTokenLimit")),
                max_output_tokens=optional_count(row.get("outputTokenLimit")),
            )
            for row in document.get("models") or ()
            if "generateContent" in row.get("supportedGenerationMethods", ("generateContent",))
        ]
        return models, document.get("nextPageToken") or None

    def check_url(self) -> str:
        return join(self._base, "/models", pageSize="1")


def path_of(model: str) -> str:
    family, _, name = model.rpartition("/")
    folder = "tunedModels" if family == "tunedModels" else "models"
    return f"/{folder}/{quote(name, safe='')}"
