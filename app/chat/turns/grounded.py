"""What a turn draws on, told in its run's log: sources, and terms that the answer is not to use."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from app.agents.context.composing import CONTEXT, recalled_in
from app.knowledge.detection.violations import Scanner, Violation
from app.knowledge.grounding.grounding import Grounding, restored
from app.runs.runs.context import RunContext

SOURCE, RECALLED, VIOLATION = "source.added", "memory.recalled", "term.violation"
FIELDS = ("start", "end", "surface", "preferred", "entry_id", "dictionary_id")


def grounding_of(ctx: RunContext) -> Grounding:
    """What the run was begun with."""
    return restored(ctx.input.get("grounding"))


def tell_sources(ctx: RunContext) -> None:
    """Say what the model is shown, and what could not be looked up: what the log has not yet."""
    told = {(each.type, _mark(each.body)) for each in ctx.history}
    for warning in ctx.input.get("ungrounded", ()):
        if ("log", warning["code"]) not in told:
            ctx.emit("log", **{"step": "grounding", "level": "warning", **warning})
    for source in grounding_of(ctx).sources:
        if (SOURCE, source["number"]) not in told:
            ctx.emit(SOURCE, message_id=ctx.input["answer_id"], **source)
    context = ctx.input.get(CONTEXT) or {}
    for memory in recalled_in(context.get("sections", ())):
        if (RECALLED, memory["memory_id"]) not in told:
            ctx.emit(RECALLED, message_id=ctx.input["answer_id"], **memory)


def _mark(body: Mapping[str, Any]) -> Any:
    return next((body[name] for name in ("number", "code", "memory_id") if name in body), None)


class Watch:
    """Tells of each violation once, over every attempt at the run."""

    def __init__(self, scanner: Scanner, ctx: RunContext) -> None:
        self._scanner = scanner
        self.told = _told_before(ctx)
        self._known = {(each["start"], each["entry_id"]) for each in self.told}
        if ctx.text_so_far:
            self.read(ctx, ctx.text_so_far)

    def read(self, ctx: RunContext, delta: str) -> None:
        self._tell(ctx, self._scanner.feed(delta))

    def finish(self, ctx: RunContext) -> None:
        self._tell(ctx, self._scanner.finish())

    def _tell(self, ctx: RunContext, found: Iterable[Violation]) -> None:
        for each in found:
            fields = _fields(each)
            if (each.start, fields["entry_id"]) not in self._known:
                self._known.add((each.start, fields["entry_id"]))
                self.told.append(fields)
                ctx.emit(VIOLATION, message_id=ctx.input["answer_id"], **fields)


def told_violations(ctx: RunContext, watch: Watch | None) -> list[dict[str, Any]]:
    return _told_before(ctx) if watch is None else watch.told


def _told_before(ctx: RunContext) -> list[dict[str, Any]]:
    return [
        {field: event.body[field] for field in FIELDS}
        for event in ctx.history
        if event.type == VIOLATION
    ]


def _fields(violation: Violation) -> dict[str, Any]:
    told = asdict(violation)
    ids = {name: str(told[name]) for name in ("entry_id", "dictionary_id")}
    return {name: told[name] for name in FIELDS} | ids | {"preferred": list(violation.preferred)}
