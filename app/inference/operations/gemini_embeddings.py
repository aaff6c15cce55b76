"""What Gemini's own addresses for embeddings have in common."""

from typing import Final

import orjson

from app.inference.providers.codec import tokens

MOST_TEXTS: Final = 100
GENERATE: Final = ":generateContent"
BATCH: Final = ":batchEmbedContents"


def told_tokens(answer: bytes) -> int:
    told = orjson.loads(answer).get("usageMetadata")
    return tokens(told.get("promptTokenCount")) if isinstance(told, dict) else 0
