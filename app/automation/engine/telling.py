"""What a run's log says of its steps: each thing once, however often the run is walked again."""

from collections.abc import Callable
from typing import Any, Protocol
from uuid import UUID

from uuid_utils import compat

from app.automation.engine.faults import problem_of
from app.automation.engine.steps import End, Step
from app.automation.language.flow import Node
from app.automation.nodes.node_type import Awaited
from app.runs.runs.context import RunContext


class Telling(Protocol):
    """Who hears of steps."""

    def started(self, node: Node, path: str, attempt: int) -> None: ...
    def waiting(self, node: Node, path: str, attempt: int, awaited: Awaited) -> None: ...
    def ended(self, node: Node, step: Step) -> None: ...
    def computed(self, node: Node, path: str, end: End) -> None: ...
    def skipped(self, node: Node, path: str) -> None: ...


class Log:
    """The log of a run. What it tells of already, from an attempt before, is not told again.

    `emit` appends an event, given its kind and its fields.
    """

    def __init__(self, ctx: RunContext, emit: Callable[[str, dict[str, Any]], None]) -> None:
        self._run_id = ctx.run_id
        self._emit = emit
        self._told: set[tuple[str, str, int]] = {
            (event.type, event.body["path"], event.body["attempt"])
            for event in ctx.history
            if event.type.startswith("step.")
        }

    def started(self, node: Node, path: str, attempt: int) -> None:
        # Told again where it is done again: its process died before it ended.
        message_id = message_of(self._run_id, path, attempt)
        self._emit("step.started", {**_named(node, path, attempt), "message_id": message_id})

    def waiting(self, node: Node, path: str, attempt: int, awaited: Awaited) -> None:
        self._tell("step.waiting", node, path, attempt, kind=awaited.kind, until=awaited.until)

    def ended(self, node: Node, step: Step) -> None:
        """Outputs stay out of the log: they may be large, and stand in the step."""
        path, attempt = step.path, step.attempt
        if step.error is None:
            reused = "cache" if step.status == "cached" else "run" if step.copied else None
            told = {"port": step.port, "reused": reused, "cost_usd": step.cost_usd}
            self._tell("step.completed", node, path, attempt, counts={}, **told)
        elif step.retry_at is not None and step.ended_at is not None:
            left = (step.retry_at - step.ended_at).total_seconds()
            code = step.error["code"]
            self._tell("step.retrying", node, path, attempt, reason=code, retry_in=left)
        else:
            self._tell("step.failed", node, path, attempt, error=problem_of(step.error))

    def computed(self, node: Node, path: str, end: End) -> None:
        if end.error is None:
            self._tell("step.completed", node, path, 0, counts={}, port=end.port)
        else:
            self._tell("step.failed", node, path, 0, error=problem_of(end.error))

    def skipped(self, node: Node, path: str) -> None:
        self._tell("step.skipped", node, path, 0)

    def _tell(self, kind: str, node: Node, path: str, attempt: int, /, **fields: Any) -> None:
        mark = (kind, path, attempt)
        if mark not in self._told:
            self._told.add(mark)
            self._emit(kind, {**_named(node, path, attempt), **fields})


def message_of(run_id: UUID, path: str, attempt: int) -> UUID:
    """What the deltas of a step bear, in every process the same."""
    return compat.uuid5(run_id, f"{path}#{attempt}")


def _named(node: Node, path: str, attempt: int) -> dict[str, Any]:
    return {"node_id": node.id, "path": path, "step": node.type, "attempt": attempt}
