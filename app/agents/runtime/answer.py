"""One answer of a model on its way into the run's log, and its parts once it is whole."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, Final
from uuid import UUID

from app.agents.runtime.errors import NoOutput
from app.agents.runtime.inert import InertText
from app.agents.runtime.journal import Cost
from app.agents.runtime.models import ExecutionStep
from app.agents.runtime.tree import Role, Tree
from app.agents.runtime.words import calls_of, text_of
from app.inference.calls.course import Course
from app.inference.calls.seam import Seam
from app.inference.providers.collect import Collector, joined
from app.inference.providers.errors import ContentFiltered
from app.inference.providers.types import (
    Finished,
    Part,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    TextPart,
    ToolCallPart,
)
from app.runs.events.event import Event

# What an id of a call may be as it is: no `#` before it, as the journal's own have, and no `/`.
_PLAIN: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:|=+-]{0,199}")


@dataclass(frozen=True, slots=True)
class Partial:
    """What stands of an answer: its message, and the text so far. `told` says it was announced.

    `reasoning` is what its model has thought since it was asked last.
    """

    message_id: UUID
    text: str = ""
    reasoning: str = ""
    told: bool = False


@dataclass(slots=True)
class Answer:
    """Gathers what comes; text is told as it comes, calls of tools when they are made."""

    tree: Tree
    role: Role
    step: ExecutionStep
    partial: Partial
    finish_reason: str | None = None
    _collector: Collector = field(init=False)
    _inert: InertText = field(init=False)
    _request_id: UUID | None = None

    def __post_init__(self) -> None:
        self._collector = Collector("")
        self._inert = InertText(self.role.definition.output)

    def announce(self, course: Course) -> None:
        attempt = course.attempt
        self._collector = Collector(attempt.target.endpoint.provider.dialect)
        self._request_id = course.grant.call.request_id
        place, model = self._place(), attempt.target.reference
        self.tree.ctx.emit(
            "step.started", step="model", **place, model=model, request_id=self._request_id
        )
        if not self.partial.told:
            is_demo = attempt.target.endpoint.kind == "demo"
            self.tree.tell_message(place, model, course.plan.route, demo=is_demo)

    def mark(self, seam: Seam) -> None:
        told = seam.told() | {"offset": len(self.partial.text) + seam.offset}
        self.tree.ctx.emit("failover", message_id=self.partial.message_id, **told)

    def take(self, events: Sequence[StreamEvent]) -> None:
        """What came together; a text that came in pieces is gone through as one."""
        for event in joined(events):
            self._collector.add(event)
            if isinstance(event, TextDelta):
                self._say(self._inert.feed(event.text))
            elif isinstance(event, ReasoningDelta):
                if event.text:
                    self.tree.ctx.reasoning(event.text, message_id=self.partial.message_id)
            elif isinstance(event, Finished):
                self._say(self._inert.finish())
                self.finish_reason = event.reason

    def _say(self, text: str) -> None:
        self.tree.ctx.text(text, message_id=self.partial.message_id)

    def finished(self, course: Course) -> list[Part]:
        """The whole answer; raises ContentFiltered and NoOutput where there is none."""
        parts = _whole(self._collector.parts(), self.partial.text)
        if text_of(parts) or calls_of(parts):
            return parts
        label = course.attempt.target.endpoint.label
        if self.finish_reason == "content_filter":
            raise ContentFiltered(label, "the answer was withheld.")
        raise NoOutput(f"{label} answered with nothing.")

    def tell_end(self, cost: Cost) -> None:
        told = {"step": "model", **self._place(), "request_id": self._request_id}
        self.tree.tell_end(told, cost)

    def _place(self) -> dict[str, Any]:
        return {
            "path": self.step.path,
            "number": self.step.number,
            "agent": self.role.slug,
            "message_id": self.partial.message_id,
        }


def _whole(parts: Sequence[Part], before: str) -> list[Part]:
    """The parts after what stood already, each call with an id of its own.

    An id is a part of places and paths: one that could be taken for another is not kept.
    """
    whole: list[Part] = [TextPart(before)] if before else []
    known = {call.id for call in calls_of(parts)}
    taken: set[str] = set()
    for part in parts:
        if not isinstance(part, ToolCallPart):
            whole.append(part)
            continue
        is_own = part.id not in taken and _PLAIN.fullmatch(part.id) is not None
        made = part if is_own else replace(part, id=_free(known))
        taken.add(made.id)
        whole.append(made)
    return whole


def _free(known: set[str]) -> str:
    """An id that no call of an answer has; from then on it is known."""
    free = next(each for number in count() if (each := f"call_{number}") not in known)
    known.add(free)
    return free


def partials_of(history: Sequence[Event]) -> dict[tuple[str, int], Partial]:
    """The answers that the log tells of, by path and step, as far as they came."""
    found: dict[str, tuple[str, int]] = {}
    said: dict[str, list[str]] = {}
    thought: dict[str, list[str]] = {}
    for event in history:
        body = event.body
        message_id = body.get("message_id", "")
        if event.type == "message.created" and "path" in body:
            found[message_id] = (body["path"], body["number"])
            said[message_id], thought[message_id] = [], []
        elif message_id not in found:
            continue
        elif event.type == "step.started":
            thought[message_id] = []
        elif event.type == "text.delta":
            said[message_id].append(body["text"])
        elif event.type == "reasoning.delta":
            thought[message_id].append(body["text"])
    return {
        place: Partial(UUID(each), "".join(said[each]), "".join(thought[each]), told=True)
        for each, place in found.items()
    }
