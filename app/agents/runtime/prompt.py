"""What an agent's model is shown before its own steps: instructions, and what it was asked."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.inference.catalog.service import context_window
from app.inference.integrations.directory import Target
from app.inference.providers.types import ImagePart, Message, Part, TextPart
from app.inference.usage.service import estimate_input

# The part of the window that is left for the answer where the definition sets no limit.
ANSWER_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Prompt:
    """`messages` begin with the system's; `report` says what entered them and what was left out."""

    messages: tuple[Message, ...]
    question: str
    has_images: bool = False
    report: Mapping[str, Any] = field(default_factory=dict)

    def fitted(
        self, target: Target, shown: Sequence[Message], max_output_tokens: int | None
    ) -> tuple[Message, ...]:
        """All of it, within the model's window."""
        return (*self.messages, *shown)

    def told(self, shown: Sequence[Message]) -> dict[str, Any]:
        """What a step's model is shown, for whoever asks why it answered as it did."""
        return {**self.report, "steps_tokens": estimate_input(tuple(shown))}


def asked_of(messages: Sequence[Mapping[str, Any]]) -> tuple[Message, ...]:
    """What an agent was asked, as it is stored: `{role, content}`, content text or parts."""
    return tuple(
        Message("assistant" if each["role"] == "assistant" else "user", _parts(each["content"]))
        for each in messages
    )


def _parts(content: str | Sequence[Mapping[str, Any]]) -> tuple[Part, ...]:
    if isinstance(content, str):
        return (TextPart(content),)
    return tuple(_part(each) for each in content)


def _part(part: Mapping[str, Any]) -> Part:
    if part["type"] == "text":
        return TextPart(part["text"])
    data = base64.b64decode(part["data"]) if part.get("data") else None
    return ImagePart(part["media_type"], data, part.get("url"))


def text_asked(messages: Sequence[Mapping[str, Any]]) -> str:
    """The words of the last message."""
    if not messages:
        return ""
    content = messages[-1]["content"]
    if isinstance(content, str):
        return content
    return "\n".join(each["text"] for each in content if each["type"] == "text")


def window_of(target: Target, max_output_tokens: int | None) -> float:
    """Tokens that the prompt may have."""
    window = context_window(target)
    if window is None:
        return float("inf")
    return window - (max_output_tokens or window * ANSWER_SHARE)
