"""Doing a run again from a node on, with what the others gave taken over."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from app.automation.engine.errors import NodeUnknown
from app.automation.engine.steps import UNDO, Step
from app.automation.language.flow import Flow, Node, Scope
from app.automation.language.walks import nodes_within, scopes_of
from app.core.errors import FieldError


def taken_over(
    before: Flow, after: Flow, steps: Sequence[Step], from_nodes: Collection[str] | None
) -> list[Step]:
    """The steps of a run of `before` that a run of `after` need not do again.

    Done again are the nodes `from_nodes` (or those that failed), those that have changed, and
    whatever comes after one of them or holds one. Raises NodeUnknown.
    """
    known = {node.id for node in nodes_within(after)}
    begun = set(from_nodes) if from_nodes is not None else failed_nodes(steps)
    if from_nodes is not None and (unknown := begun - known):
        wrong = tuple(
            FieldError("/body/from", "unknown_node", f"there is no node `{name}`")
            for name in sorted(unknown)
        )
        raise NodeUnknown(errors=wrong)
    old = {node.id: _own(node) for node in nodes_within(before)}
    changed = {node.id for node in nodes_within(after) if old.get(node.id) != _own(node)}
    again: set[str] = set()
    _spread(after, begun | changed, again, everything=before.vars != after.vars)
    return [step for step in steps if step.node_id in known - again and _is_whole(step)]


def failed_nodes(steps: Iterable[Step]) -> set[str]:
    """Those that ended with an error."""
    return {step.node_id for step in steps if step.error is not None and step.is_final}


def _spread(scope: Scope, begun: set[str], again: set[str], *, everything: bool) -> bool:
    """Add to `again` what is done again of a scope; say whether anything is."""
    for node in _in_order(scope):
        behind = everything or node.id in begun
        behind = behind or any(edge.to == node.id and edge.from_ in again for edge in scope.edges)
        inner = [_spread(held, begun, again, everything=behind) for _, held in scopes_of(node)]
        if behind or any(inner):
            again.add(node.id)
    return any(node.id in again for node in scope.nodes)


def _in_order(scope: Scope) -> list[Node]:
    """Each node after those that lead to it."""
    waiting = {
        node.id: {edge.from_ for edge in scope.edges if edge.to == node.id} for node in scope.nodes
    }
    ordered: list[Node] = []
    while waiting:
        ready = [node for node in scope.nodes if node.id in waiting and not waiting[node.id]]
        for node in ready:
            del waiting[node.id]
        for sources in waiting.values():
            sources -= {node.id for node in ready}
        ordered += ready
    return ordered


def _own(node: Node) -> dict[str, Any]:
    """What a node is by itself: without what it holds, and how it is drawn and called."""
    held = {"body", "catch", "finally_", "branches", "ui", "name", "mock"}
    return node.model_dump(mode="json", exclude=held)


def _is_whole(step: Step) -> bool:
    """Whether a step stands for itself: neither cut off, nor the undoing of another one."""
    return step.status != "started" and not step.path.endswith(UNDO)
