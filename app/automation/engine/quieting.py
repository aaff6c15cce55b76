"""Keeps a run's log within its bounds, however many items its maps have.

Of a node within a map or a loop the first steps are told of one by one, the others by their number:
the run's steps have them all. A text that does not fit any more is left out; its step has it whole.
"""

from collections import Counter
from typing import Any, Final
from uuid import UUID

from app.runs.runs.context import RunContext

# Steps of one node, each with all its events; and as many failures besides.
MOST_TOLD: Final = 200
EVERY: Final = 500
NOT_TOLD: Final = "steps_not_told"
TEXT_LEFT_OUT: Final = "text_left_out"
# Bytes of the log that are kept for what matters more: texts and single steps, single steps, ends.
_FOR_OTHERS: Final = 8 * 2**20
_FOR_STEPS: Final = 4 * 2**20
_FOR_ENDS: Final = 2**20
# What a character may take at most as JSON, and an event around it.
_WORST_BYTES: Final = 6
_ENVELOPE_BYTES: Final = 400
_ENDS: Final = ("step.completed", "step.failed", "step.skipped")


class Quiet:
    """What one run's steps say on its way into the log; it remembers what was told before."""

    def __init__(self, ctx: RunContext) -> None:
        self._ctx = ctx
        self._told: dict[str, set[str]] = {}
        self._failures: Counter[str] = Counter()
        self._others: Counter[str] = Counter()
        self._counted: Counter[str] = Counter()
        self._text_ended = False
        for event in ctx.history:
            if event.type.startswith("step."):
                self._told.setdefault(event.body["node_id"], set()).add(event.body["path"])
            elif event.type == "log":
                self._recollect(event.body)

    def emit(self, kind: str, fields: dict[str, Any]) -> None:
        """Append an event of a step where there is room for it; else count its end."""
        if self._is_told(kind, fields["node_id"], fields["path"]):
            self._ctx.append(kind, fields)
        elif kind in _ENDS:
            self._count(fields["node_id"], fields["step"])

    def text(self, message_id: UUID, text: str) -> None:
        """Append what a model says, while there is room."""
        if self._ctx.room - _WORST_BYTES * len(text) - _ENVELOPE_BYTES > _FOR_STEPS:
            self._ctx.text(text, message_id=message_id)
        elif not self._text_ended and self._ctx.room > _FOR_ENDS:
            self._text_ended = True
            said = "The log has no room for more text; the steps have theirs whole."
            self._ctx.emit("log", level="warning", code=TEXT_LEFT_OUT, message=said)

    def _recollect(self, told: dict[str, Any]) -> None:
        if told.get("code") == NOT_TOLD:
            self._counted[told["node_id"]] = told["count"]
        elif told.get("code") == TEXT_LEFT_OUT:
            self._text_ended = True

    def _is_told(self, kind: str, node_id: str, path: str) -> bool:
        room = self._ctx.room
        if "[" not in path:
            return room > _FOR_ENDS
        known = self._told.setdefault(node_id, set())
        if path in known:
            return room > _FOR_ENDS
        if room <= _FOR_OTHERS:
            return False
        if len(known) < MOST_TOLD:
            known.add(path)
            return True
        if kind == "step.failed" and self._failures[node_id] < MOST_TOLD:
            self._failures[node_id] += 1
            return True
        return False

    def _count(self, node_id: str, node_type: str) -> None:
        """Tell of every so many, once over all attempts at the run."""
        self._others[node_id] += 1
        count = self._others[node_id]
        if count % EVERY or count <= self._counted[node_id] or self._ctx.room <= _FOR_ENDS:
            return
        said = f"`{node_id}` has ended {count} times more; the run's steps have each of them."
        told = {"node_id": node_id, "code": NOT_TOLD, "count": count, "message": said}
        self._ctx.emit("log", step=node_type, level="info", **told)
