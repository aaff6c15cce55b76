"""How each vendor is asked for embeddings, and how it answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from app.inference.dialects.addresses import beside_chat
from app.inference.embeddings.embedder import Purpose
from app.inference.integrations.directory import Endpoint
from app.inference.providers.codec import tokens
from app.inference.providers.registry import KINDS
from app.inference.providers.urls import join

OPENAI_DIALECT: Final = "openai_chat"
Vectors = list[list[float]]


class EmbeddingWire(Protocol):
    """`most_texts` and `most_tokens` bound one request."""

    @property
    def most_texts(self) -> int: ...

    @property
    def most_tokens(self) -> int: ...

    def url(self, endpoint: Endpoint, model: str) -> str: ...

    def body(
        self, model: str, texts: Sequence[str], purpose: Purpose | None, dimensions: int | None
    ) -> dict[str, Any]:
        """Without a purpose, the vendor's own default."""
        ...

    def read(self, document: Any) -> tuple[Vectors, int]:
        """The vectors in the texts' order, and the tokens told (0 where none are).

        Raises ValueError, KeyError, TypeError or AttributeError for what is no such answer.
        """
        ...


@dataclass(frozen=True, slots=True)
class OpenAIWire:
    most_texts: int = 32
    most_tokens: int = 8_000

    def url(self, endpoint: Endpoint, model: str) -> str:  # noqa: ARG002 - one for all
        return beside_chat(endpoint, "/embeddings")

    def body(
        self,
        model: str,
        texts: Sequence[str],
        purpose: Purpose | None,  # noqa: ARG002 - it has no word for it
        dimensions: int | None,
    ) -> dict[str, Any]:
        return {"model": model, "input": list(texts), **given(dimensions=dimensions)}

    def read(self, document: Any) -> tuple[Vectors, int]:
        rows = sorted(document["data"], key=lambda row: row["index"])
        usage = document.get("usage") or {}
        told = tokens(usage.get("prompt_tokens")) or tokens(usage.get("total_tokens"))
        return [row["embedding"] for row in rows], told


@dataclass(frozen=True, slots=True)
class VoyageWire(OpenAIWire):
    most_texts: int = 128
    most_tokens: int = 100_000

    def url(self, endpoint: Endpoint, model: str) -> str:  # noqa: ARG002 - one for all
        return join(endpoint.base_url, "/embeddings")

    def body(
        self, model: str, texts: Sequence[str], purpose: Purpose | None, dimensions: int | None
    ) -> dict[str, Any]:
        more = given(input_type=purpose, output_dimension=dimensions)
        return {"model": model, "input": list(texts), **more}


@dataclass(frozen=True, slots=True)
class CohereWire:
    """Its second API, in which a text's type is a must."""

    most_texts: int = 96
    most_tokens: int = 100_000

    def url(self, endpoint: Endpoint, model: str) -> str:  # noqa: ARG002 - one for all
        return join(endpoint.base_url, "/v2/embed")

    def body(
        self, model: str, texts: Sequence[str], purpose: Purpose | None, dimensions: int | None
    ) -> dict[str, Any]:
        return {
            "model": model,
            "texts": list(texts),
            "input_type": f"search_{purpose or 'document'}",
            "embedding_types": ["float"],
            **given(output_dimension=dimensions),
        }

    def read(self, document: Any) -> tuple[Vectors, int]:
        billed = (document.get("meta") or {}).get("billed_units") or {}
        return document["embeddings"]["float"], tokens(billed.get("input_tokens"))


@dataclass(frozen=True, slots=True)
class GeminiWire:
    most_texts: int = 100
    most_tokens: int = 20_000

    def url(self, endpoint: Endpoint, model: str) -> str:
        codec = KINDS[endpoint.kind].codec(endpoint.base_url)
        chat = codec.chat_url(model, streaming=False)
        return chat.replace(":generateContent", ":batchEmbedContents")

    def body(
        self, model: str, texts: Sequence[str], purpose: Purpose | None, dimensions: int | None
    ) -> dict[str, Any]:
        named = model if "/" in model else f"models/{model}"
        task = f"RETRIEVAL_{purpose.upper()}" if purpose else None
        more = given(taskType=task, outputDimensionality=dimensions)
        return {
            "requests": [
                {"model": named, "content": {"parts": [{"text": text}]}, **more} for text in texts
            ]
        }

    def read(self, document: Any) -> tuple[Vectors, int]:
        told = (document.get("usageMetadata") or {}).get("promptTokenCount")
        return [each["values"] for each in document["embeddings"]], tokens(told)


@dataclass(frozen=True, slots=True)
class OllamaWire:
    """Its own API, which cuts what is too long; the one like OpenAI's refuses it."""

    most_texts: int = 64
    most_tokens: int = 100_000

    def url(self, endpoint: Endpoint, model: str) -> str:  # noqa: ARG002 - one for all
        return endpoint.base_url.rstrip("/").removesuffix("/v1") + "/api/embed"

    def body(
        self,
        model: str,
        texts: Sequence[str],
        purpose: Purpose | None,  # noqa: ARG002 - it has no word for it
        dimensions: int | None,
    ) -> dict[str, Any]:
        return {
            "model": model,
            "input": list(texts),
            "truncate": True,
            **given(dimensions=dimensions),
        }

    def read(self, document: Any) -> tuple[Vectors, int]:
        return document["embeddings"], tokens(document.get("prompt_eval_count"))


COMPATIBLE: Final = OpenAIWire()
OPENAI: Final = OpenAIWire(most_texts=512, most_tokens=200_000)
WIRES: Final[dict[str, EmbeddingWire]] = {
    "openai": OPENAI,
    "azure": OPENAI,
    "gemini": GeminiWire(),
    "cohere": CohereWire(),
    "voyage": VoyageWire(),
    "ollama": OllamaWire(),
}


def wire_of(endpoint: Endpoint) -> EmbeddingWire | None:
    """How this endpoint embeds; None where it does not."""
    found = WIRES.get(endpoint.kind)
    if found is None and endpoint.dialect == OPENAI_DIALECT:
        return COMPATIBLE
    return found


def given(**fields: Any) -> dict[str, Any]:
    """The fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}
