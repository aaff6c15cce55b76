"""Answers of models as JSON, for the journal, and back."""

from collections.abc import Iterable, Sequence
from typing import Any

from app.inference.providers.types import Part, ReasoningPart, TextPart, ToolCallPart


def stored(parts: Iterable[Part]) -> list[dict[str, Any]]:
    """The parts of an answer that a later request needs."""
    return [told for part in parts if (told := _stored(part)) is not None]


def _stored(part: Part) -> dict[str, Any] | None:
    match part:
        case TextPart():
            return {"type": "text", "text": part.text}
        case ReasoningPart():
            return {
                "type": "reasoning",
                "text": part.text,
                "signature": part.signature,
                "redacted": part.redacted,
                "dialect": part.dialect,
            }
        case ToolCallPart():
            return {
                "type": "tool_call",
                "id": part.id,
                "name": part.name,
                "arguments": part.arguments,
                "signature": part.signature,
                "dialect": part.dialect,
            }
        case _:
            return None


def restored(parts: Sequence[dict[str, Any]]) -> tuple[Part, ...]:
    """What `stored` made."""
    return tuple(_restored(part) for part in parts)


def _restored(part: dict[str, Any]) -> Part:
    fields = {name: value for name, value in part.items() if name != "type"}
    match part["type"]:
        case "text":
            return TextPart(**fields)
        case "reasoning":
            return ReasoningPart(**fields)
        case _:
            return ToolCallPart(**fields)


def text_of(parts: Iterable[Part]) -> str:
    return "".join(part.text for part in parts if isinstance(part, TextPart))


def calls_of(parts: Iterable[Part]) -> list[ToolCallPart]:
    return [part for part in parts if isinstance(part, ToolCallPart)]
