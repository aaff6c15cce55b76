"""One candidate of a comparison: who it is, what it says, and what came of it."""

import time
from dataclasses import dataclass, field
from typing import Any

from app.core.errors import AppError
from app.core.ids import new_id
from app.inference.calls.course import Course
from app.inference.calls.order import Order
from app.inference.calls.seam import Seam
from app.inference.calls.totals import Total, total_of
from app.inference.compare.told import Told
from app.inference.providers.types import Finished, ReasoningDelta, StreamEvent, TextDelta
from app.runs.runs.context import RunContext

TEXT, REASONING = "text.delta", "reasoning.delta"


@dataclass(slots=True)
class Answer:
    """The answer that this process has a candidate write.

    `told` is what stands in the log, `before` what earlier processes have used for it. What it
    says is held back until `flush`, so that the log has few and large events.
    """

    label: str
    asked: str
    message_id: str
    order: Order
    told: Told = field(default_factory=Told)
    before: Total = field(default_factory=Total)
    course: Course | None = None
    error: AppError | None = None
    finish_reason: str | None = None
    began: float = field(default_factory=time.perf_counter)
    kind: str = TEXT
    waiting: list[str] = field(default_factory=list)

    def begin(self, ctx: RunContext, course: Course) -> int:
        """Say who answers; of an answer that was begun before, that another call goes on.

        Returns how many characters of it stand already.
        """
        self.course = course
        model, stood = course.attempt.target.reference, len(self.told.text)
        if self.told.model is not None:
            self.mark(ctx, Seam(0, self.told.model, model, "process_lost"), stood)
            return stood
        self._emit(
            ctx,
            "candidate.started",
            message_id=self.message_id,
            model=model,
            route=course.plan.route,
            request_id=str(course.attempt.call.request_id),
        )
        return 0

    def mark(self, ctx: RunContext, seam: Seam, begun: int) -> None:
        assert self.course is not None  # noqa: S101 - a seam is in an answer under way
        self.flush(ctx)
        request_id = str(self.course.attempt.call.request_id)
        told = seam.told() | {"offset": begun + seam.offset}
        self._emit(ctx, "failover", message_id=self.message_id, request_id=request_id, **told)

    def take(self, ctx: RunContext, event: StreamEvent) -> None:
        if isinstance(event, TextDelta):
            self._say(ctx, TEXT, event.text)
        elif isinstance(event, ReasoningDelta):
            self._say(ctx, REASONING, event.text)
        elif isinstance(event, Finished):
            self.finish_reason = event.reason

    def flush(self, ctx: RunContext) -> None:
        """Write what was held back; raises RunOutputTooLarge."""
        if self.waiting:
            text = "".join(self.waiting)
            self.waiting.clear()
            self._emit(ctx, self.kind, message_id=self.message_id, text=text)

    def end(self, ctx: RunContext, error: AppError | None = None) -> None:
        """Write how it ended."""
        self.flush(ctx)
        self.error = error
        if error is None:
            self._emit(ctx, "candidate.completed", **self.figures())
        else:
            self._emit(ctx, "candidate.failed", **self.figures(), error=error.problem())

    @property
    def total(self) -> Total:
        return self.before + total_of(self.course.calls) if self.course else self.before

    def figures(self) -> dict[str, Any]:
        """What is measured of it, as the log and the comparison tell it."""
        if self.told.end is not None:
            return {name: self.told.end[name] for name in FIGURES}
        total, course = self.total, self.course
        ended = course is not None and course.attempt.over
        return {
            "model": course.attempt.target.reference if course else self.told.model,
            "finish_reason": self.finish_reason,
            "input_tokens": total.input_tokens,
            "output_tokens": total.output_tokens,
            "cost_usd": total.cost_usd,
            "first_token_ms": course.attempt.first_token_ms if course else None,
            "duration_ms": round((time.perf_counter() - self.began) * 1000) if ended else None,
        }

    def read(self, otherwise: str) -> dict[str, Any]:
        """As the comparison keeps it; `otherwise` is the status of one that has not ended."""
        told = self.told
        error = told.end.get("error") if told.end else None
        status = otherwise
        if told.end is not None:
            status = "failed" if error else "completed"
        figures = self.figures()
        cost = figures["cost_usd"]
        return {
            **figures,
            "cost_usd": None if cost is None else str(cost),
            "label": self.label,
            "asked": self.asked,
            "message_id": self.message_id,
            "route": told.route,
            "status": status,
            "text": told.text,
            "reasoning": told.reasoning,
            "seams": told.seams,
            "error": error,
            "requests": [str(request) for request in told.requests],
        }

    def _say(self, ctx: RunContext, kind: str, text: str) -> None:
        if not text:
            return
        if kind != self.kind:
            self.flush(ctx)
            self.kind = kind
        self.waiting.append(text)

    def _emit(self, ctx: RunContext, kind: str, **fields: Any) -> None:
        ctx.emit(kind, label=self.label, **fields)
        self.told.take(kind, fields)


FIGURES = (
    "model", "finish_reason", "input_tokens", "output_tokens", "cost_usd", "first_token_ms",
    "duration_ms",
)  # fmt: skip


def waiting_candidate(label: str, asked: str) -> dict[str, Any]:
    """A candidate as it is kept before anything is known of its answer."""
    unknown = dict.fromkeys((*FIGURES, "route", "error"))
    return {
        **unknown,
        "label": label,
        "asked": asked,
        "message_id": str(new_id()),
        "status": "running",
        "text": "",
        "reasoning": "",
        "input_tokens": 0,
        "output_tokens": 0,
        "seams": [],
        "requests": [],
    }
