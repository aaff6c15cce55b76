"""Asking a model with what a template says, and what that cost."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from app.agents.definitions.definition import AgentParameters
from app.core.auth import Access
from app.inference.calls.calls import Calls
from app.inference.calls.order import Order
from app.inference.calls.totals import Total, total_of
from app.inference.integrations.directory import Target
from app.inference.providers.types import ChatRequest, Message, ResponseFormat, Role, TextPart
from app.inference.routing.plan import Question
from app.inference.usage.extras import extras_in
from app.inference.usage.payer import Payer
from app.inference.usage.service import estimate_input
from app.runs.events.event import Event
from app.runs.runs.context import RunContext

DEMO = "demo"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a model is asked; `schema` is the JSON Schema of its answer, `model` None the usual."""

    messages: Sequence[Mapping[str, str]]
    model: str | None = None
    schema: Mapping[str, Any] | None = None
    parameters: AgentParameters = field(default_factory=AgentParameters)
    max_output_tokens: int | None = None

    def request(self) -> ChatRequest:
        given = self.parameters
        shape = ResponseFormat("json_schema", "answer", self.schema) if self.schema else None
        return ChatRequest(
            model=self.model or "",
            messages=tuple(
                Message(_role(each["role"]), (TextPart(each["content"]),)) for each in self.messages
            ),
            response_format=shape,
            temperature=given.temperature,
            top_p=given.top_p,
            max_output_tokens=self.max_output_tokens or given.max_output_tokens,
            stop=tuple(given.stop or ()),
            seed=given.seed,
            reasoning_effort=given.reasoning_effort,
        )


@dataclass(frozen=True, slots=True)
class Answered:
    """`by_demo` where no model answered but the demo provider."""

    text: str
    finish_reason: str
    model: str
    total: Total
    by_demo: bool

    @property
    def cost_usd(self) -> Decimal | None:
        return self.total.cost_usd


async def ask(calls: Calls, payer: Payer, access: Access, asked: Asked) -> Answered:
    """Raises what planning, the gate and the provider raise."""
    request = asked.request()

    def build(target: Target) -> ChatRequest:
        return replace(request, model=target.model)

    question = Question(
        asked.model,
        input_tokens=estimate_input(request.messages),
        max_output_tokens=request.max_output_tokens,
        extras=lambda: extras_in(request.messages),
    )
    grant = await calls.admit(Order(payer, question, access.rules, access))
    telling = calls.telling(grant, build)
    result = await telling.complete()
    target = telling.course.attempt.target
    return Answered(
        result.text,
        result.finish_reason,
        target.reference,
        total_of(telling.course.calls),
        by_demo=target.endpoint.kind == DEMO,
    )


def tell_usage(ctx: RunContext, total: Total) -> None:
    """Have the run's log say what a call came to."""
    ctx.emit(
        "usage.updated",
        input_tokens=total.input_tokens,
        output_tokens=total.output_tokens,
        cost_usd=None if total.cost_usd is None else f"{total.cost_usd:f}",
    )


def usage_told(history: Iterable[Event]) -> list[Total]:
    """What each call came to of which a run's log says so."""
    told = [event.body for event in history if event.type == "usage.updated"]
    return [
        Total(
            body["input_tokens"],
            body["output_tokens"],
            None if body["cost_usd"] is None else Decimal(body["cost_usd"]),
        )
        for body in told
    ]


def _role(role: str) -> Role:
    return "system" if role == "system" else "assistant" if role == "assistant" else "user"
