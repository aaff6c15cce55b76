"""The Chat Completions codec and the differences between the servers that speak it."""

from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from app.inference.providers.codec import BadAnswer, InBandError, StreamDecoder, optional_count
from app.inference.providers.openai_chat.decode import ChunkDecoder, decode_completion
from app.inference.providers.openai_chat.encode import Wording, encode_request
from app.inference.providers.types import ChatRequest, ChatResult, ModelListing
from app.inference.providers.urls import join, with_default_path

AZURE_API_VERSION = "2024-10-21"
CONTEXT_FIELDS = ("context_length", "context_window", "max_model_len", "max_context_length")


# What the dialect has words for; how much of it a model takes is the server's to say.
TAKES = frozenset({
    "tools", "tool_choice", "parallel_tool_calls", "response_format", "temperature", "top_p",
    "max_output_tokens", "stop", "reasoning_effort", "reasoning_budget", "shows_reasoning", "user",
    "seed", "frequency_penalty", "presence_penalty", "logit_bias", "logprobs", "top_logprobs",
    "verbosity", "service_tier", "cache_key", "metadata",
})  # fmt: skip
# OpenAI keeps the reasoning to itself in this dialect, and cannot be asked for it.
OPENAI_LACKS = frozenset({"shows_reasoning"})
# Mistral refuses every field that it does not know.
MISTRAL_LACKS = frozenset({
    "logit_bias", "logprobs", "top_logprobs", "verbosity", "service_tier", "cache_key", "user",
})  # fmt: skip
# Groq, too; this is the one that clients send unasked.
GROQ_LACKS = frozenset({"cache_key"})


@dataclass(frozen=True, slots=True)
class Flavour:
    """How one compatible server departs from api.openai.com."""

    wording: Wording = field(default_factory=Wording)
    auth: Literal["bearer", "api-key"] = "bearer"
    check_path: str = "/models"
    takes: frozenset[str] = TAKES


class OpenAIChatCodec:
    dialect = "openai_chat"

    def __init__(self, base_url: str, flavour: Flavour) -> None:
        self.takes = flavour.takes
        self._flavour = flavour
        self._base = base_url
        self._models_base = base_url
        if flavour.auth == "api-key":
            self._base, self._models_base = azure_bases(base_url)

    @property
    def limit_name(self) -> str:
        """What the server calls the longest answer."""
        return self._flavour.wording.max_tokens

    def headers(self, api_key: str) -> dict[str, str]:
        headers = {"Content-Type": "application/json"}
        if api_key and self._flavour.auth == "api-key":
            headers["api-key"] = api_key
        elif api_key:
            headers["Authorization"] = f"Bearer {api_key}"
        return headers

    def chat_url(self, model: str, *, streaming: bool) -> str:  # noqa: ARG002 - one for all
        return join(self._base, "/chat/completions")

    def encode(self, request: ChatRequest, *, streaming: bool) -> dict[str, Any]:
        return encode_request(request, self._flavour.wording, streaming=streaming)

    def decode(self, body: bytes) -> ChatResult:
        return decode_completion(body, self.dialect)

    def decoder(self) -> StreamDecoder:
        return ChunkDecoder()

    def models_url(self, after: str | None) -> str:  # noqa: ARG002 - it is one page
        return join(self._models_base, "/models")

    def decode_models(self, body: bytes) -> tuple[list[ModelListing], str | None]:
        document = orjson.loads(body)
        if isinstance(document, dict) and document.get("error"):
            raise InBandError(document)
        rows = document if isinstance(document, list) else document.get("data") or []
        return [listing(row) for row in rows], None

    def check_url(self) -> str:
        return join(self._models_base, self._flavour.check_path)


def azure_bases(base_url: str) -> tuple[str, str]:
    """Where chat and model calls go: Azure's v1 surface, or one deployment with its version."""
    base = with_default_path(base_url, "/openai/v1")
    if "/deployments/" not in base:
        return base, base
    if "api-version=" not in base:
        base = join(base, "", **{"api-version": AZURE_API_VERSION})
    root, _, deployment = base.partition("/deployments/")
    _, _, query = deployment.partition("?")
    return base, f"{root}?{query}"


def listing(row: dict[str, Any]) -> ModelListing:
    name = row["id"]
    if not isinstance(name, str):
        raise BadAnswer("a listed model has no name.")
    return ModelListing(
        name=name,
        display_name=row.get("display_name") or row.get("name"),
        owner=row.get("owned_by"),
        context_window=next((n for f in CONTEXT_FIELDS if (n := optional_count(row.get(f)))), None),
        max_output_tokens=optional_count(row.get("max_completion_tokens")),
        retires_at=row.get("deprecation"),
    )
