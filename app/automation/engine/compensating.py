"""Undoes what was done, the last first, where what it was done for has failed."""

from collections.abc import Iterator
from typing import Any

from app.automation.engine.course import Course
from app.automation.engine.journal import Journal
from app.automation.engine.steps import UNDO, Step
from app.automation.engine.walking import Stepping
from app.automation.language.flow import Node, Scope
from app.automation.language.walks import nodes_within
from app.runs.runs.work import Ending


def still_done(journal: Journal, ending: Ending) -> list[dict[str, Any]]:
    """What a run did that failed before all of it could be undone, with why it is not."""
    if ending.error is None:
        return []
    error = {"code": ending.error.code, "message": ending.error.detail}
    found: list[dict[str, Any]] = []
    for step in reversed(journal.under("")):
        undone = journal.final(step.path + UNDO)
        if step.undo is None or step.error is not None or (undone and undone.error is None):
            continue
        found.append({"path": step.path, "error": undone.error if undone else error})
    return found


class Compensating:
    """Of one run. What was undone stays undone: each undoing is a kept step of its own."""

    def __init__(self, course: Course, carrier: Stepping) -> None:
        self._course = course
        self._carrier = carrier

    async def undo(self, scope: Scope, prefix: str) -> list[dict[str, Any]]:
        """Undo the scope's steps whose paths begin so; what could not be undone, with its error.

        One that fails, after its own retries, keeps none of the others from being undone.
        """
        failed = []
        for node, step in reversed([*self._undoable(scope, prefix)]):
            undo = step.undo or {}
            error = undo.get("error")
            if error is None:
                path = step.path + UNDO
                error = (await self._carrier.carried_out(node, path, {}, undo["with"])).error
            if error is not None:
                failed.append({"path": step.path, "error": error})
        return failed

    def _undoable(self, scope: Scope, prefix: str) -> Iterator[tuple[Node, Step]]:
        """By position: what ended well, with the node that undoes it."""
        nodes = {node.id: node for node in nodes_within(scope) if node.compensate is not None}
        if not nodes:
            return
        for step in self._course.journal.under(prefix):
            node = nodes.get(step.node_id)
            if step.undo is None or node is None or node.compensate is None:
                continue
            if step.error is None and not step.path.endswith(UNDO):
                how = node.compensate
                yield (
                    Node(id=node.id, type=how.type, v=how.v, retry=how.retry, timeout=how.timeout),
                    step,
                )
