"""What an agent's model is shown: the system's prompt, what was asked, and the steps since."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.agents.context.window import Fitted, fit, room_of
from app.inference.integrations.directory import Target
from app.inference.providers.types import ImagePart, Message, Part, TextPart
from app.inference.usage.service import estimate_input


@dataclass(frozen=True, slots=True)
class Prompt:
    """`report` says what entered the system's prompt, and what was left out of it."""

    head: Message
    asked: tuple[Message, ...]
    question: str
    has_images: bool = False
    report: Mapping[str, Any] = field(default_factory=dict)

    def tokens(self, shown: Sequence[Message]) -> int:
        """Of all of it, roughly."""
        return estimate_input((self.head, *self.asked, *shown))

    def fitted(
        self, target: Target, shown: Sequence[Message], max_output_tokens: int | None
    ) -> Fitted:
        """What was asked and done, as far as the model's window allows beside the head."""
        room = room_of(target, max_output_tokens) - estimate_input((self.head,))
        return fit((*self.asked, *shown), room)

    def told(self, fitted: Fitted) -> dict[str, Any]:
        """What a step's model is shown, for whoever asks why it answered as it did."""
        conversation = {
            "section": "conversation",
            "tokens": fitted.tokens,
            "messages": len(fitted.messages),
        }
        left_out = [*self.report.get("left_out", ())]
        if fitted.left_out:
            left_out.append(_gone("left_out", fitted.left_out))
        if fitted.shortened:
            left_out.append(_gone("shortened", fitted.shortened))
        return {"sections": [*self.report.get("sections", ()), conversation], "left_out": left_out}


def _gone(how: str, count: int) -> dict[str, Any]:
    return {"section": "conversation", "reason": "window", "how": how, "count": count}


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
