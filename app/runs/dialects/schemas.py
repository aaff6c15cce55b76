"""What streams in other protocols are made of, for the OpenAPI document."""

from typing import Any, Final

AI_SDK: Final = "AiSdkChunk"
AG_UI: Final = "AgUiEvent"


def dialect_schemas() -> dict[str, Any]:
    """The protocols' own clients know their parts; here each is named by its `type` alone."""
    return {
        AI_SDK: _typed("A chunk of the AI SDK's UI message stream; its npm package is `ai`."),
        AG_UI: _typed("An event of AG-UI; its npm package is `@ag-ui/core`."),
    }


def _typed(description: str) -> dict[str, Any]:
    return {
        "type": "object",
        "description": description,
        "properties": {"type": {"type": "string"}},
        "required": ["type"],
        "additionalProperties": True,
    }
