"""The order of a turn: who pays, what routing must know of it, and the request for each model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.chat.messages.models import Message
from app.chat.turns.context import build_request
from app.core.auth import Access
from app.inference.calls.order import Grant, Order
from app.inference.integrations.directory import Target
from app.inference.providers.types import ChatRequest
from app.inference.routing.plan import Plan, Question
from app.inference.usage.extras import Extras
from app.inference.usage.payer import payer_of
from app.inference.usage.service import IMAGE_TOKENS, estimate_text
from app.knowledge.grounding.grounding import UNGROUNDED, Grounding

MOST_CHARACTERS = 4000


@dataclass(frozen=True, slots=True)
class Asked:
    """What a model is to answer: the branch that ends with a question. `partial` stands already.

    `instructions` have the prompt of the `grounding` within.
    """

    instructions: str
    branch: Sequence[Message]
    parameters: dict[str, Any]
    partial: str = ""
    grounding: Grounding = UNGROUNDED

    def request(self, target: Target) -> ChatRequest:
        return build_request(target, self.instructions, self.branch, self.parameters, self.partial)

    def question(self, model: str | None, conversation_id: UUID) -> Question:
        images = sum(p["type"] == "image" for m in self.branch for p in m.parts)
        written = estimate_text(self.instructions) + estimate_text(self.partial)
        written += sum(4 + estimate_text(message.text) for message in self.branch)
        limit = self.parameters.get("max_output_tokens")
        return Question(
            model,
            written + images * IMAGE_TOKENS,
            limit,
            needs=frozenset({"vision"} if images else ()),
            sticky=str(conversation_id),
            text=self.branch[-1].text[:MOST_CHARACTERS],
            extras=lambda: Extras(pictures=images),
        )


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
