"""What an agent's model is shown: the system's prompt, what was asked, and the steps since."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.agents.context.history import History, Shown, told
from app.agents.context.summary import Summary, below
from app.agents.context.window import room_of
from app.agents.definitions.definition import Compaction
from app.agents.runtime.words import text_of
from app.inference.integrations.directory import Target
from app.inference.providers.types import ImagePart, Message, Part, TextPart
from app.inference.usage.service import estimate_input


@dataclass(frozen=True, slots=True)
class Prompt:
    """`report` says what entered the system's prompt, and what was left out of it.

    `summary` is of what was asked and done, where that has become too long.
    """

    head: Message
    asked: tuple[Message, ...]
    question: str
    has_images: bool = False
    report: Mapping[str, Any] = field(default_factory=dict)
    compaction: Compaction = field(default_factory=Compaction)
    summary: Summary | None = None

    def history(self, shown: Sequence[Message]) -> History:
        """What was asked and done; the last words of who asked stay in it."""
        messages = (*self.asked, *shown)
        return History(messages, max(len(self.asked) - 1, 0), self.compaction, self.summary)

    def tokens(self, shown: Sequence[Message]) -> int:
        """Of all of it, roughly."""
        return estimate_input((self.head,)) + self.history(shown).tokens

    def room(self, target: Target, max_output_tokens: int | None) -> float:
        """What the model's window leaves beside the head."""
        return room_of(target, max_output_tokens) - estimate_input((self.head,))

    def fitted(
        self, target: Target, shown: Sequence[Message], max_output_tokens: int | None
    ) -> Shown:
        """What was asked and done, as far as the model's window allows beside the head."""
        return self.history(shown).shown(self.room(target, max_output_tokens))

    def messages(self, shown: Shown) -> tuple[Message, ...]:
        """All that the model is shown."""
        if shown.summary is None:
            return (self.head, *shown.messages)
        text = below(text_of(self.head.parts), shown.summary)
        return (Message("system", (TextPart(text),)), *shown.messages)

    def told(self, shown: Shown) -> dict[str, Any]:
        """What a step's model is shown, for whoever asks why it answered as it did."""
        sections, left_out = told(shown)
        return {
            "sections": [*self.report.get("sections", ()), *sections],
            "left_out": [*self.report.get("left_out", ()), *left_out],
        }


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
