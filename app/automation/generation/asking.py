"""Asking a model for a run: what it answers stays in the run's log, and is paid for once."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final, Self

from app.agents.runtime.work import access_told
from app.agents.templates.asking import Asked, ask, tell_usage, usage_told
from app.automation.generation.errors import WorkflowModelMissing
from app.inference.calls.calls import Calls
from app.inference.calls.totals import Total
from app.inference.usage.payer import payer_of
from app.runs.events.event import Event
from app.runs.runs.context import RunContext

# More of an answer is neither kept nor looked at.
LONGEST: Final = 262_144
STEP: Final = "ask"
_KEPT: Final = "kept"


@dataclass(slots=True)
class Spent:
    """What the calls of a run came to, those of earlier processes included."""

    total: Total = field(default_factory=Total)
    calls: int = 0
    model: str = ""

    @classmethod
    def of(cls, history: Sequence[Event]) -> Self:
        spent = cls()
        for total in usage_told(history):
            spent.add(total)
        for event in filter(_is_kept, history):
            spent.model = event.body[_KEPT]["model"]
        return spent

    def add(self, total: Total) -> None:
        self.total += total
        self.calls += 1


@dataclass(slots=True)
class Interview:
    """The questions of one run, in their order.

    A process that takes the run up is given what earlier ones were answered, and asks a model
    only for what comes after. `cap` is what the run may cost in all, in US dollars.
    """

    ctx: RunContext
    calls: Calls
    purpose: str
    spent: Spent
    cap: Decimal | None = None
    _answers: deque[dict[str, Any]] = field(default_factory=deque)

    @classmethod
    async def begun(
        cls, ctx: RunContext, calls: Calls, purpose: str, cap: Decimal | None = None
    ) -> Self:
        if ctx.continued:
            await calls.settle_lost(ctx.workspace_id, ctx.run_id, "")
        answers = deque(each.body[_KEPT] for each in ctx.history if _is_kept(each))
        return cls(ctx, calls, purpose, Spent.of(ctx.history), cap, answers)

    async def answer(self, asked: Asked) -> str:
        """The answer, in the log for good; raises WorkflowModelMissing and what asking raises."""
        if self._answers:
            kept: str = self._answers.popleft()["text"]
            return kept
        ctx, access = self.ctx, access_told(self.ctx)
        ctx.emit("step.started", step=STEP)
        payer = replace(payer_of(access, self.purpose, ctx.run_id), run_cap=self.cap)
        answered = await ask(self.calls, payer, access, asked)
        self.spent.add(answered.total)
        self.spent.model = answered.model
        text = answered.text[:LONGEST]
        if not answered.by_demo:
            ctx.emit("log", step=STEP, kept={"text": text, "model": answered.model})
        tell_usage(ctx, answered.total)
        if answered.by_demo:
            raise WorkflowModelMissing(
                "The demo provider repeats what it is asked, and cannot help with workflows. Add "
                "a provider's key, or name a model of one."
            )
        await ctx.flush()
        ctx.emit("step.completed", step=STEP, counts={"characters": len(text)})
        return text


def _is_kept(event: Event) -> bool:
    return event.type == "log" and _KEPT in event.body
