"""Models as Anthropic's clients read them."""

from typing import Any, Final

import orjson

from app.inference.catalog.schemas import ModelRead

# The dialect wants a time of creation, which no provider's listing gives for all its models.
UNKNOWN_DATE: Final = "1970-01-01T00:00:00Z"


def model_list(models: list[ModelRead]) -> bytes:
    rows = [model_row(model) for model in models]
    ends = {"first_id": rows[0]["id"], "last_id": rows[-1]["id"]} if rows else {}
    page = {"data": rows, "has_more": False, "first_id": None, "last_id": None}
    return orjson.dumps(page | ends)


def one_model(model: ModelRead) -> bytes:
    return orjson.dumps(model_row(model))


def model_row(model: ModelRead) -> dict[str, Any]:
    return {
        "type": "model",
        "id": model.id,
        "display_name": model.display_name,
        "created_at": UNKNOWN_DATE,
        "lifecycle": "deprecated" if model.retires_at else "active",
        "max_input_tokens": model.context_window,
        "max_tokens": model.max_output_tokens,
        "retires_at": model.retires_at,
    }
