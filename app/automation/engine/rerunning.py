"""Doing a run again from a node on, with what the others gave taken over."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
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

    Done again are the nodes `from_nodes` (or those that failed), those that were undone or have
    changed, and whatever comes after one of them or holds one. Raises NodeUnknown.
    """
    known = {node.id for node in nodes_within(after)}
    begun = set(from_nodes) if from_nodes is not None else failed_nodes(steps)
    if from_nodes is not None and (unknown := begun - known):
        wrong = tuple(
            FieldError("/body/from", "unknown_node", f"there is no node `{name}`")
            for name in sorted(unknown)
        )
        raise NodeUnknown(errors=wrong)
    undone = {step.node_id for step in steps if step.path.endswith(UNDO) and step.error is None}
    spread = _Spread(begun | undone | _changed(_own, before, after), _changed(_held, before, after))
    spread.over(after, everything=before.vars != after.vars)
    return [step for step in steps if step.node_id in known - spread.again and _is_whole(step)]


def _changed(part: Callable[[Node, Scope], Any], before: Scope, after: Scope) -> set[str]:
    """The nodes of `after` of which this part is not as it was."""
    old = {node.id: part(node, scope) for scope in _scopes(before) for node in scope.nodes}
    new = {node.id: part(node, scope) for scope in _scopes(after) for node in scope.nodes}
    return {name for name, now in new.items() if old.get(name) != now}


def _scopes(scope: Scope) -> Iterator[Scope]:
    yield scope
    for node in scope.nodes:
        for _, held in scopes_of(node):
            yield from _scopes(held)


def failed_nodes(steps: Iterable[Step]) -> set[str]:
    """Those that ended with an error."""
    return {step.node_id for step in steps if step.error is not None and step.is_final}


@dataclass(slots=True)
class _Spread:
    """From nodes that are done again to what depends on them; `reshaped` ones alone, not within."""

    begun: set[str]
    reshaped: set[str]
    again: set[str] = field(default_factory=set)

    def over(self, scope: Scope, *, everything: bool) -> bool:
        """Add to `again` what is done again of a scope; say whether anything is."""
        for node in _in_order(scope):
            behind = everything or node.id in self.begun
            behind = behind or any(
                edge.to == node.id and edge.from_ in self.again for edge in scope.edges
            )
            if self._within(node, everything=behind) or behind or node.id in self.reshaped:
                self.again.add(node.id)
        return any(node.id in self.again for node in scope.nodes)

    def _within(self, node: Node, *, everything: bool) -> bool:
        """A turn of a loop sees the one before; what a `try` does last sees how its body ended."""
        found = False
        for place, held in scopes_of(node):
            follows = found and place in ("catch", "finally")
            inner = self.over(held, everything=everything or follows)
            if inner and node.type == "loop":
                self.over(held, everything=True)
            found = found or inner
        return found


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


def _own(node: Node, scope: Scope) -> Any:
    """What a node is by itself, without what it holds and how it is drawn, and how it is led to."""
    held = {"body", "catch", "finally_", "branches", "ui", "name", "mock"}
    edges = [edge.model_dump(mode="json") for edge in scope.edges if edge.to == node.id]
    return node.model_dump(mode="json", exclude=held), sorted(edges, key=str)


def _held(node: Node, _scope: Scope) -> Any:
    """How what a node holds hangs together, and what it gives; not what its nodes are."""
    return [
        (
            place,
            sorted(inner.id for inner in held.nodes),
            held.model_dump(mode="json", include={"edges", "outputs"}),
        )
        for place, held in scopes_of(node)
    ]


def _is_whole(step: Step) -> bool:
    """Whether a step stands for itself: neither cut off, nor the undoing of another one."""
    return step.status != "started" and not step.path.endswith(UNDO)
