"""Embeddings in OpenAI's words from vendors that have words of their own."""

from base64 import b64encode
from typing import Any, Final

import orjson

from app.inference.dialects.ask import optional, wrong_type
from app.inference.dialects.checks import integer
from app.inference.dialects.errors import RequestInvalid, UnsupportedParameter
from app.inference.embeddings.embedder import Purpose
from app.inference.embeddings.packing import packed
from app.inference.embeddings.wires import EmbeddingWire, Vectors
from app.inference.providers.codec import BadAnswer
from app.inference.usage.service import estimate_text

# `input_type` is none of OpenAI's: these vendors embed a question otherwise than a document.
KNOWN: Final = frozenset({
    "model", "input", "dimensions", "encoding_format", "user", "input_type",
})  # fmt: skip
PURPOSES: Final[dict[str, Purpose]] = {
    "document": "document",
    "query": "query",
    "search_document": "document",
    "search_query": "query",
}


def vendor_body(wire: EmbeddingWire, document: dict[str, Any], model: str) -> bytes:
    """Raises RequestInvalid, and UnsupportedParameter for what the vendor has no words for."""
    for name, value in document.items():
        if name not in KNOWN and value is not None:
            raise UnsupportedParameter(name[:100])
    texts = texts_of(wire, document)
    dimensions = integer(document.get("dimensions"), "dimensions", 1)
    return orjson.dumps(wire.body(model, texts, purpose_of(document), dimensions))


def purpose_of(document: dict[str, Any]) -> Purpose | None:
    """Raises RequestInvalid."""
    told = optional(document, "input_type", str, "a string")
    if told is None:
        return None
    if told not in PURPOSES:
        said = "Invalid 'input_type': expected 'document' or 'query'."
        raise RequestInvalid(said, param="input_type", label="invalid_value")
    return PURPOSES[told]


def texts_of(wire: EmbeddingWire, document: dict[str, Any]) -> list[str]:
    given = document.get("input")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts:
        raise wrong_type("input", "a string or an array of strings")
    if len(texts) > wire.most_texts:
        said = f"Invalid 'input': at most {wire.most_texts} texts with this model."
        raise RequestInvalid(said, param="input", label="array_above_max_length")
    if not all(isinstance(text, str) for text in texts):
        raise UnsupportedParameter("input", "must be text with this model, not tokens.")
    return texts


def openai_answer(
    wire: EmbeddingWire, answer: bytes, document: dict[str, Any], model: str
) -> bytes:
    """The vectors as OpenAI gives them; raises BadAnswer."""
    texts = texts_of(wire, document)
    vectors, told = read_answer(wire, answer)
    if len(vectors) != len(texts):
        raise BadAnswer("the answer holds another number of embeddings.")
    rows = [
        {"object": "embedding", "index": index, "embedding": written}
        for index, written in enumerate(written_as(document.get("encoding_format"), vectors))
    ]
    counted = told or sum(map(estimate_text, texts))
    usage = {"prompt_tokens": counted, "total_tokens": counted}
    return orjson.dumps({"object": "list", "data": rows, "model": model, "usage": usage})


def read_answer(wire: EmbeddingWire, answer: bytes) -> tuple[Vectors, int]:
    """Raises BadAnswer."""
    try:
        return wire.read(orjson.loads(answer))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadAnswer("the answer holds no embeddings.") from None


def written_as(encoding: Any, vectors: Vectors) -> list[list[float]] | list[str]:
    """Numbers, or base64 of 32-bit floats with the lowest byte first; raises BadAnswer."""
    if encoding != "base64":
        return vectors
    try:
        return [b64encode(packed(vector)).decode() for vector in vectors]
    except (TypeError, OverflowError):
        raise BadAnswer("the answer holds no embeddings.") from None


def expect_encoding(document: dict[str, Any]) -> None:
    encoding = optional(document, "encoding_format", str, "a string")
    if encoding not in (None, "float", "base64"):
        said = "Invalid 'encoding_format': expected 'float' or 'base64'."
        raise RequestInvalid(said, param="encoding_format", label="invalid_value")
