"""What the log is told of calls, and of what ended while it could not be written.

A step is kept in Postgres while its events are still on their way to Valkey. Where their process
dies then, the next one tells of it from the journal.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from app.agents.definitions.definition import OutputGuard
from app.agents.runtime.answer import Partial
from app.agents.runtime.context import tell_sources
from app.agents.runtime.crud import Place
from app.agents.runtime.inert import InertText
from app.agents.runtime.journal import Cost
from app.agents.runtime.models import ExecutionStep
from app.agents.runtime.tree import Tree
from app.agents.runtime.words import restored
from app.inference.integrations.directory import DEMO_SLUG
from app.inference.providers.types import Part, ReasoningPart, TextPart
from app.runs.events.event import Event

Moment = tuple[datetime, Callable[[], None]]
Piece = tuple[type[TextPart | ReasoningPart], str]


def tell_call(tree: Tree, kind: str, place: Place, agent: str, /, **fields: Any) -> None:
    path, number, call_id = place
    tree.tell(kind, call_id, path=path, number=number, call_id=call_id, agent=agent, **fields)


def tell_outcome(tree: Tree, step: ExecutionStep) -> None:
    outcome, place = step.outcome or {}, (step.path, step.number, step.call_id)
    kind = "tool.error" if step.is_error else "tool.result"
    more = {"code": outcome.get("code")} if step.is_error else {"data": outcome.get("data")}
    text = outcome.get("text", "")
    tell_call(tree, kind, place, step.agent_slug, name=step.name, text=text, **more)
    tell_sources(tree, step.path, step.number, outcome.get("sources", ()))


def tell_missing(
    tree: Tree, partials: Mapping[tuple[str, int], Partial], guard: OutputGuard
) -> None:
    """Tell of all that has ended and the log does not say, in the order in which it came about.

    `partials` are the answers in the log; `guard` is for the words of the agent that was asked.
    """
    completed = _completed(tree.ctx.history)
    missing: list[Moment] = []
    for step in tree.journal.steps.values():
        if step.copied or step.ended_at is None:
            continue
        if step.kind == "tool":
            missing += _of_call(tree, step)
        elif step.kind == "model" and (step.path, step.number) not in completed:
            inert = InertText(OutputGuard() if step.path else guard)
            known = partials.get((step.path, step.number))
            missing.append((step.ended_at, partial(_tell_answer, tree, step, known, inert)))
    for _, tell in sorted(missing, key=lambda each: each[0]):
        tell()


def _completed(history: Sequence[Event]) -> set[tuple[str, int]]:
    """The models' answers of which the log tells to their ends."""
    return {
        (event.body["path"], event.body["number"])
        for event in history
        if event.type == "step.completed" and event.body["step"] == "model"
    }


def _of_call(tree: Tree, step: ExecutionStep) -> list[Moment]:
    place = (step.path, step.number, step.call_id)
    called = partial(
        tell_call, tree, "tool.call", place, step.agent_slug,
        name=step.name, arguments=step.arguments,
    )  # fmt: skip
    ended = step.ended_at or step.started_at
    return [(step.started_at, called), (ended, partial(tell_outcome, tree, step))]


def _tell_answer(tree: Tree, step: ExecutionStep, known: Partial | None, inert: InertText) -> None:
    """Tell the rest of an answer; all of it where the log has another beginning."""
    pieces = _pieces(restored((step.outcome or {})["parts"]), inert)
    told: dict[str, Any] = {"path": step.path, "number": step.number, "agent": step.agent_slug}
    if known is None or not _joined(pieces, TextPart).startswith(known.text):
        attempt = 0 if known is None else tree.ctx.attempt
        known = Partial(tree.message_id(step.path, step.number, attempt))
    told["message_id"] = known.message_id
    if not known.told:
        tree.ctx.emit("step.started", step="model", model=step.name, **told)
        is_demo = step.name.startswith(f"{DEMO_SLUG}/")
        tree.tell_message(told, step.name, None, demo=is_demo)
    _tell_rest(tree, pieces, known)
    cost = Cost(step.input_tokens, step.output_tokens, step.cost_usd)
    tree.tell_end({"step": "model", **told}, cost)


def _pieces(parts: Iterable[Part], inert: InertText) -> list[Piece]:
    """What an answer says and thinks, as it is shown, in its order."""
    pieces: list[Piece] = []
    for part in parts:
        if isinstance(part, TextPart):
            pieces.append((TextPart, inert.feed(part.text)))
        elif isinstance(part, ReasoningPart):
            pieces.append((ReasoningPart, part.text))
    return [*pieces, (TextPart, inert.finish())]


def _joined(pieces: Iterable[Piece], kind: type[Part]) -> str:
    return "".join(words for each, words in pieces if each is kind)


def _tell_rest(tree: Tree, pieces: Sequence[Piece], known: Partial) -> None:
    """Tell of the pieces what comes after `known`."""
    # A log that breaks off before its model was asked again has the thoughts of the time before.
    goes_on = _joined(pieces, ReasoningPart).startswith(known.reasoning)
    skipped = {TextPart: len(known.text), ReasoningPart: len(known.reasoning) if goes_on else 0}
    tell = {TextPart: tree.ctx.text, ReasoningPart: tree.ctx.reasoning}
    for kind, words in pieces:
        tell[kind](words[skipped[kind] :], message_id=known.message_id)
        skipped[kind] = max(0, skipped[kind] - len(words))
