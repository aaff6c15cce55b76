"""Embeddings by a model of an integration."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import orjson

from app.inference.embeddings.embedder import Purpose
from app.inference.embeddings.errors import EmbeddingModelUnknown, EmbeddingsGarbled
from app.inference.embeddings.wires import EmbeddingWire, Vectors, wire_of
from app.inference.integrations.directory import Target
from app.inference.providers.errors import ContextTooLong
from app.inference.providers.opening import expect_success
from app.inference.providers.registry import KINDS
from app.inference.providers.transport import Transport
from app.inference.providers.types import Usage
from app.inference.usage.payer import Payer
from app.inference.usage.service import estimate_text

# A text of so few characters is too long for no model.
SHORT: Final = 256


class Embedding(Protocol):
    """Asks a provider for embeddings, in the ledger like every call."""

    async def __call__(
        self, payer: Payer, target: Target, texts: Sequence[str], purpose: Purpose
    ) -> Vectors: ...


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

    async def embed(self, texts: Sequence[str], purpose: Purpose = "document") -> Vectors:
        """As many requests as the vendor's bounds make it; raises AppError."""
        found: Vectors = []
        for some in portions(texts, expect_wire(self.target)):
            found += await self._embed(some, purpose)
        if found:
            self.dimensions = len(found[0])
        return found

    async def _embed(self, texts: Sequence[str], purpose: Purpose) -> Vectors:
        try:
            return await self.embedding(self.payer, self.target, texts, purpose)
        except ContextTooLong:
            # One text that is too long must not keep the others from being found.
            if len(texts) > 1:
                half = len(texts) // 2
                first = await self._embed(texts[:half], purpose)
                return first + await self._embed(texts[half:], purpose)
            if len(texts[0]) <= SHORT:
                raise
            return await self._embed([texts[0][: len(texts[0]) // 2]], purpose)


def portions(texts: Sequence[str], wire: EmbeddingWire) -> Iterator[list[str]]:
    """The texts in pieces that one request takes, by a rough count of their tokens."""
    portion: list[str] = []
    size = 0
    for text in texts:
        length = estimate_text(text)
        if portion and (len(portion) == wire.most_texts or size + length > wire.most_tokens):
            yield portion
            portion, size = [], 0
        # No vendor takes an empty text.
        portion.append(text or " ")
        size += length
    if portion:
        yield portion


def expect_wire(target: Target) -> EmbeddingWire:
    """Raises EmbeddingModelUnknown where the target's vendor does not embed."""
    wire = wire_of(target.endpoint)
    if wire is None:
        label = KINDS[target.endpoint.kind].label
        raise EmbeddingModelUnknown(f"{label} has no embeddings that we know.")
    return wire


async def ask_for_embeddings(
    transport: Transport, target: Target, texts: Sequence[str], purpose: Purpose
) -> tuple[Vectors, Usage | None]:
    """One request; raises the ProviderError of a call that fails, and EmbeddingsGarbled."""
    endpoint, wire = target.endpoint, expect_wire(target)
    label = KINDS[endpoint.kind].label
    exchange = await transport.open(
        "POST",
        wire.url(endpoint, target.model),
        headers=KINDS[endpoint.kind].codec(endpoint.base_url).headers(endpoint.api_key),
        body=orjson.dumps(wire.body(target.model, texts, purpose, None)),
        provider=label,
        allow_private=endpoint.allow_private,
    )
    try:
        await expect_success(exchange, label, endpoint.api_key)
        return read_vectors(wire, await exchange.read_body(), len(texts))
    finally:
        exchange.close()


def read_vectors(wire: EmbeddingWire, body: bytes, count: int) -> tuple[Vectors, Usage | None]:
    """Normalised vectors of one length in the order of the texts; raises EmbeddingsGarbled."""
    try:
        given, told = wire.read(orjson.loads(body))
        vectors = [normal(vector) for vector in given]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise EmbeddingsGarbled from None
    if len(vectors) != count:
        raise EmbeddingsGarbled(f"{count} embeddings were asked for, {len(vectors)} came.")
    if len({len(vector) for vector in vectors}) > 1:
        raise EmbeddingsGarbled("The embeddings are not of one length.")
    return vectors, Usage(input_tokens=told) if told else None


def normal(vector: Sequence[Any]) -> list[float]:
    """The same direction at length one; raises ValueError and TypeError for what has none."""
    length = math.sqrt(sum(each * each for each in vector))
    if not length or not math.isfinite(length):
        raise ValueError("a vector without a direction")
    return [each / length for each in vector]
