"""Embeddings in OpenAI's words from Gemini's batchEmbedContents."""

from array import array
from base64 import b64encode
from sys import byteorder
from typing import Any, Final

import orjson

from app.inference.dialects.ask import optional, wrong_type
from app.inference.dialects.checks import integer
from app.inference.dialects.errors import RequestInvalid, UnsupportedParameter
from app.inference.providers.codec import BadAnswer, tokens
from app.inference.usage.service import estimate_text

KNOWN: Final = frozenset({"model", "input", "dimensions", "encoding_format", "user"})
MOST_TEXTS: Final = 100
GENERATE: Final = ":generateContent"
BATCH: Final = ":batchEmbedContents"


def batch_body(document: dict[str, Any], model: str) -> bytes:
    """Raises RequestInvalid, and UnsupportedParameter for what Gemini has no words for."""
    for name, value in document.items():
        if name not in KNOWN and value is not None:
            raise UnsupportedParameter(name[:100])
    model = model if "/" in model else f"models/{model}"
    dimensions = integer(document.get("dimensions"), "dimensions", 1)
    more = {} if dimensions is None else {"outputDimensionality": dimensions}
    asked = [
        {"model": model, "content": {"parts": [{"text": text}]}} | more
        for text in texts_of(document)
    ]
    return orjson.dumps({"requests": asked})


def texts_of(document: dict[str, Any]) -> list[str]:
    given = document.get("input")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts:
        raise wrong_type("input", "a string or an array of strings")
    if len(texts) > MOST_TEXTS:
        said = f"Invalid 'input': at most {MOST_TEXTS} texts with this model."
        raise RequestInvalid(said, param="input", label="array_above_max_length")
    if not all(isinstance(text, str) for text in texts):
        raise UnsupportedParameter("input", "must be text with this model, not tokens.")
    return texts


def openai_answer(answer: bytes, document: dict[str, Any], model: str) -> bytes:
    """The vectors as OpenAI gives them; raises BadAnswer."""
    try:
        vectors = [each["values"] for each in orjson.loads(answer)["embeddings"]]
        written = [written_as(document.get("encoding_format"), vector) for vector in vectors]
    except (ValueError, KeyError, TypeError, OverflowError):
        raise BadAnswer("the answer holds no embeddings.") from None
    if len(vectors) != len(texts_of(document)):
        raise BadAnswer("the answer holds another number of embeddings.")
    counted = told_tokens(answer) or sum(map(estimate_text, texts_of(document)))
    rows = [
        {"object": "embedding", "index": index, "embedding": vector}
        for index, vector in enumerate(written)
    ]
    usage = {"prompt_tokens": counted, "total_tokens": counted}
    return orjson.dumps({"object": "list", "data": rows, "model": model, "usage": usage})


def written_as(encoding: Any, vector: list[float]) -> list[float] | str:
    """Numbers, or base64 of 32-bit floats with the lowest byte first."""
    if encoding != "base64":
        return vector
    packed = array("f", vector)
    if byteorder == "big":
        packed.byteswap()
    return b64encode(packed.tobytes()).decode()


def told_tokens(answer: bytes) -> int:
    told = orjson.loads(answer).get("usageMetadata")
    return tokens(told.get("promptTokenCount")) if isinstance(told, dict) else 0


def expect_encoding(document: dict[str, Any]) -> None:
    encoding = optional(document, "encoding_format", str, "a string")
    if encoding not in (None, "float", "base64"):
        said = "Invalid 'encoding_format': expected 'float' or 'base64'."
        raise RequestInvalid(said, param="encoding_format", label="invalid_value")
