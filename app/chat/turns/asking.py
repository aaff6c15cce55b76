"""The order of a turn: who pays, what routing must know of it, and the request for each model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.agents.context.composing import Composed
from app.agents.context.history import History, Shown, told
from app.agents.context.window import room_of
from app.chat.messages.models import Message
from app.chat.turns.context import around, build_request
from app.core.auth import Access
from app.inference.calls.order import Grant, Order
from app.inference.integrations.directory import Target
from app.inference.providers.types import ChatRequest
from app.inference.routing.plan import Plan, Question
from app.inference.usage.extras import Extras
from app.inference.usage.payer import payer_of
from app.inference.usage.service import estimate_input

MOST_CHARACTERS = 4000


@dataclass(frozen=True, slots=True)
class Asked:
    """What a model is to answer: the branch that ends with a question. `partial` stands already.

    `composed` is the system's prompt, `own` the conversation's instructions in it. `extract` says
    whether facts are to be drawn from the question.
    """

    own: str
    composed: Composed
    branch: Sequence[Message]
    history: History
    parameters: dict[str, Any]
    partial: str = ""
    extract: bool = False

    def request(self, target: Target) -> ChatRequest:
        shown = self._shown(target)
        return build_request(target, self.composed.system, shown, self.parameters, self.partial)

    def room(self, target: Target) -> float:
        """Tokens that the target's window leaves to the history."""
        beside = estimate_input(around(self.composed.system, self.partial))
        return room_of(target, self.parameters.get("max_output_tokens")) - beside

    def told(self, target: Target) -> dict[str, Any]:
        """What the target is shown, for whoever asks why it answered as it did."""
        sections, left_out = told(self._shown(target))
        return {
            "instructions": self.own,
            "sections": [*self.composed.sections, *sections],
            "left_out": [*self.composed.left_out, *left_out],
        }

    def question(self, model: str | None, conversation_id: UUID) -> Question:
        images = sum(p["type"] == "image" for m in self.branch for p in m.parts)
        beside = estimate_input(around(self.composed.system, self.partial))
        return Question(
            model,
            beside + self.history.tokens,
            self.parameters.get("max_output_tokens"),
            needs=frozenset({"vision"} if images else ()),
            sticky=str(conversation_id),
            text=self.branch[-1].text[:MOST_CHARACTERS],
            extras=lambda: Extras(pictures=images),
        )

    def _shown(self, target: Target) -> Shown:
        return self.history.shown(self.room(target))


@dataclass(frozen=True, slots=True)
class Prepared:
    """A turn that may be made: `grant` is None in a dry run, which nobody lets in."""

    asked: Asked
    plan: Plan
    grant: Grant | None


def order_of(access: Access, question: Question, purpose: str, run_id: UUID) -> Order:
    """The order of someone at the API, whose request is counted already."""
    conversation_id = UUID(question.sticky) if question.sticky else None
    payer = payer_of(access, purpose, run_id, conversation_id=conversation_id)
    return Order(payer, question, access.rules, access)
