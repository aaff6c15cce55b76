"""The request of a comparison, as a model is to have it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.inference.integrations.directory import Target
from app.inference.providers.types import ChatRequest, Message, TextPart
from app.inference.routing.plan import Question
from app.inference.usage.service import estimate_input

MOST_CHARACTERS = 4000


@dataclass(frozen=True, slots=True)
class Prompt:
    """`messages` and `parameters` as they are kept."""

    messages: Sequence[dict[str, Any]]
    parameters: dict[str, Any]

    def request(self, target: Target) -> ChatRequest:
        given = self.parameters
        return ChatRequest(
            model=target.model,
            messages=self._said(),
            temperature=given.get("temperature"),
            top_p=given.get("top_p"),
            max_output_tokens=given.get("max_output_tokens"),
            reasoning_effort=given.get("reasoning_effort"),
            seed=given.get("seed"),
            stop=tuple(given.get("stop") or ()),
        )

    def question(self, model: str) -> Question:
        limit = self.parameters.get("max_output_tokens")
        text = str(self.messages[-1]["content"])[:MOST_CHARACTERS]
        return Question(model, self.input_tokens, limit, text=text)

    @property
    def input_tokens(self) -> int:
        return estimate_input(self._said())

    def _said(self) -> tuple[Message, ...]:
        return tuple(Message(one["role"], (TextPart(one["content"]),)) for one in self.messages)
