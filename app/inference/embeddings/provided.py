"""Embeddings by a model of an integration."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import orjson

from app.inference.embeddings.errors import EmbeddingsGarbled
from app.inference.integrations.directory import Target
from app.inference.providers.opening import expect_success
from app.inference.providers.registry import KINDS
from app.inference.providers.transport import Transport
from app.inference.providers.types import Usage
from app.inference.usage.payer import Payer

AT_ONCE: Final = 64


class Embedding(Protocol):
    """Asks a provider for embeddings, in the ledger like every call."""

    async def __call__(
        self, payer: Payer, target: Target, texts: Sequence[str]
    ) -> list[list[float]]: ...


@dataclass(slots=True)
class ProvidedEmbedder:
    """An Embedder for one payer."""

    payer: Payer
    target: Target
    embedding: Embedding
    dimensions: int | None = field(default=None, init=False)

    @property
    def name(self) -> str:
        return f"{self.target.endpoint.integration_id}:{self.target.model}"

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        found: list[list[float]] = []
        for start in range(0, len(texts), AT_ONCE):
            asked = texts[start : start + AT_ONCE]
            found += await self.embedding(self.payer, self.target, asked)
        if found:
            self.dimensions = len(found[0])
        return found


async def ask_for_embeddings(
    transport: Transport, target: Target, texts: Sequence[str]
) -> tuple[list[list[float]], Usage]:
    """One request; raises the ProviderError of a call that fails, and EmbeddingsGarbled."""
    endpoint = target.endpoint
    label = KINDS[endpoint.kind].label
    exchange = await transport.open(
        "POST",
        endpoint.base_url.rstrip("/") + "/embeddings",
        headers=KINDS[endpoint.kind].codec(endpoint.base_url).headers(endpoint.api_key),
        body=orjson.dumps({"model": target.model, "input": list(texts)}),
        provider=label,
        allow_private=endpoint.allow_private,
    )
    try:
        await expect_success(exchange, label, endpoint.api_key)
        return read_vectors(await exchange.read_body(), len(texts))
    finally:
        exchange.close()


def read_vectors(body: bytes, count: int) -> tuple[list[list[float]], Usage]:
    """Normalised vectors in the order of the texts; raises EmbeddingsGarbled."""
    try:
        document = orjson.loads(body)
        rows = sorted(document["data"], key=lambda row: row["index"])
        vectors = [normal(row["embedding"]) for row in rows]
        used = int((document.get("usage") or {}).get("prompt_tokens", 0))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise EmbeddingsGarbled from None
    if len(vectors) != count:
        raise EmbeddingsGarbled(f"{count} embeddings were asked for, {len(vectors)} came.")
    return vectors, Usage(input_tokens=used)


def normal(vector: Sequence[float]) -> list[float]:
    length = math.sqrt(sum(each * each for each in vector))
    if not length:
        raise ValueError("a vector of nothing")
    return [each / length for each in vector]
