"""Asking models on behalf of an experiment: streamed, so that the first token is seen."""

import time
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from app.core.auth import Access
from app.inference.calls.calls import Calls
from app.inference.calls.order import Order
from app.inference.calls.seam import Seam
from app.inference.calls.totals import Total, total_of
from app.inference.integrations.directory import Target
from app.inference.providers.types import (
    ChatRequest,
    StreamEvent,
    TextDelta,
    TextPart,
    ToolCallDelta,
    ToolCallStart,
)
from app.inference.routing.plan import Question
from app.inference.usage.extras import extras_in
from app.inference.usage.payer import payer_of
from app.inference.usage.service import estimate_input

PURPOSE = "evaluation"
MOST_SHOWN = 4_000


@dataclass(slots=True)
class Asked:
    """An answer, and what it took; a call's `arguments` are JSON text."""

    text: str
    calls: list[tuple[str, str]]
    total: Total
    latency_ms: float
    first_token_ms: float | None
    model: str


@dataclass(slots=True)
class Spent:
    """What is spent by those who ask, also where the answer broke off."""

    total: Total = field(default_factory=Total)


class Asker:
    """Asks models for one run, which pays for it."""

    def __init__(self, calls: Calls, access: Access, run_id: UUID) -> None:
        self._calls = calls
        self._access = access
        self._run_id = run_id

    async def ask(self, request: ChatRequest, spent: Spent) -> Asked:
        """`request.model` is a reference or a route; raises what planning, gate and provider raise.

        What it has cost is added to `spent`, whatever the ending.
        """
        question = Question(
            request.model,
            input_tokens=estimate_input(request.messages),
            max_output_tokens=request.max_output_tokens,
            text=_last_text(request)[:MOST_SHOWN],
            extras=lambda: extras_in(request.messages),
            explored=False,
        )
        access = self._access
        order = Order(payer_of(access, PURPOSE, self._run_id), question, access.rules, access)
        began = time.perf_counter()
        telling = self._calls.telling(
            await self._calls.admit(order),
            lambda target: fitted(request, target),
        )
        heard = _Heard()
        try:
            async with aclosing(telling.stream()) as events:
                async for event in events:
                    if not isinstance(event, Seam):
                        heard.take(event, began)
        finally:
            total = total_of(telling.course.calls)
            spent.total += total
        return Asked(
            "".join(heard.said),
            [(name, "".join(arguments)) for name, arguments in heard.calls.values()],
            total,
            (time.perf_counter() - began) * 1000,
            heard.first_ms,
            telling.course.attempt.target.reference,
        )


@dataclass(slots=True)
class _Heard:
    said: list[str] = field(default_factory=list)
    calls: dict[int, tuple[str, list[str]]] = field(default_factory=dict)
    first_ms: float | None = None

    def take(self, event: StreamEvent, began: float) -> None:
        if self.first_ms is None:
            self.first_ms = (time.perf_counter() - began) * 1000
        match event:
            case TextDelta():
                self.said.append(event.text)
            case ToolCallStart():
                self.calls[event.index] = (event.name, [])
            case ToolCallDelta():
                self.calls[event.index][1].append(event.arguments)


def fitted(request: ChatRequest, target: Target) -> ChatRequest:
    return replace(request, model=target.model)


def _last_text(request: ChatRequest) -> str:
    parts = request.messages[-1].parts if request.messages else ()
    return "".join(part.text for part in parts if isinstance(part, TextPart))


def parameters_of(kept: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as they are kept, as a ChatRequest has them."""
    given = {name: value for name, value in kept.items() if value is not None}
    if "stop" in given:
        given["stop"] = tuple(given["stop"])
    return given
