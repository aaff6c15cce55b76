"""Models as Google's clients read them."""

from typing import Any, Final

import orjson

from app.inference.catalog.schemas import ModelRead

ACTIONS: Final[dict[str, list[str]]] = {
    "chat": ["generateContent", "streamGenerateContent", "countTokens"],
    "embedding": ["embedContent", "batchEmbedContents"],
}


def model_list(models: list[ModelRead]) -> bytes:
    return orjson.dumps({"models": [model_row(model) for model in models]})


def one_model(model: ModelRead) -> bytes:
    return orjson.dumps(model_row(model))


def model_row(model: ModelRead) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": f"models/{model.id}",
        "version": model.name,
        "displayName": model.display_name,
        "supportedGenerationMethods": ACTIONS.get(model.type, []),
    }
    limits = {
        "inputTokenLimit": model.context_window,
        "outputTokenLimit": model.max_output_tokens,
    }
    return row | {name: limit for name, limit in limits.items() if limit is not None}
