"""What Gemini's own addresses for embeddings have in common."""

from typing import Final

import orjson

from app.inference.providers.gemini.decode import read_usage
from app.inference.providers.types import Usage

MOST_TEXTS: Final = 100
GENERATE: Final = ":generateContent"
BATCH: Final = ":batchEmbedContents"


def usage_told(answer: bytes) -> Usage | None:
    told = orjson.loads(answer).get("usageMetadata")
    usage = read_usage(told) if isinstance(told, dict) else None
    return usage if usage and usage.input_tokens else None
