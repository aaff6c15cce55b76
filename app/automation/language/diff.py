"""What has changed between two definitions, in the terms of a canvas."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from app.automation.language.flow import Flow, Node, Scope
from app.automation.language.templates import escaped
from app.automation.language.walks import scopes_of

# What is told of apart.
_APART: Final = {"id", "ui", "nodes", "edges", "body", "catch", "finally_", "branches"}
_ABSENT: Final = object()


@dataclass(frozen=True, slots=True)
class Change:
    """One field: `pointer` is from its owner (`/with/prompt`); null is what is not there."""

    pointer: str
    kind: Literal["added", "removed", "changed"]
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class NodeChange:
    id: str
    changes: list[Change]


@dataclass(frozen=True, slots=True)
class EdgeKey:
    """`number` tells edges apart that lead the same way."""

    source: str
    target: str
    port: str
    number: int = 0


@dataclass(frozen=True, slots=True)
class EdgeChange:
    """Its condition is another."""

    edge: EdgeKey
    before: str | None
    after: str | None


@dataclass(slots=True)
class ScopeDiff:
    """`scope` is where: empty for the whole, or `each/body`, `both/branches/fast`.

    `moved` nodes are elsewhere on the canvas; if nothing else is told of them, they do the same.
    """

    scope: str
    nodes_added: list[str] = field(default_factory=list)
    nodes_removed: list[str] = field(default_factory=list)
    nodes_changed: list[NodeChange] = field(default_factory=list)
    nodes_moved: list[str] = field(default_factory=list)
    edges_added: list[EdgeKey] = field(default_factory=list)
    edges_removed: list[EdgeKey] = field(default_factory=list)
    edges_changed: list[EdgeChange] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not any(
            (
                self.nodes_added,
                self.nodes_removed,
                self.nodes_changed,
                self.nodes_moved,
                self.edges_added,
                self.edges_removed,
                self.edges_changed,
                self.changes,
            )
        )


def difference(before: Flow, after: Flow) -> list[ScopeDiff]:
    """A part for each scope that is not the same, the whole first.

    What is written out as it would be by default is no change. A scope that is there only before
    or only after counts as its node's change.
    """
    return [each for each in _scopes(before, after, "") if not each.is_empty]


def _scopes(before: Scope, after: Scope, at: str) -> Iterator[ScopeDiff]:
    diff = ScopeDiff(at)
    diff.changes = [*_changes(_fields(before), _fields(after))]
    old, new = ({node.id: node for node in scope.nodes} for scope in (before, after))
    diff.nodes_added = [node_id for node_id in new if node_id not in old]
    diff.nodes_removed = [node_id for node_id in old if node_id not in new]
    both = [(old[node_id], node) for node_id, node in new.items() if node_id in old]
    for node, changed in both:
        _compare(node, changed, diff)
    _compare_edges(before, after, diff)
    yield diff
    for node, changed in both:
        inner = dict(scopes_of(node))
        for name, scope in scopes_of(changed):
            if name in inner:
                yield from _scopes(inner[name], scope, f"{at}/{node.id}/{name}".removeprefix("/"))


def _compare(before: Node, after: Node, diff: ScopeDiff) -> None:
    changes = [*_changes(_fields(before), _fields(after))]
    old, new = dict(scopes_of(before)), dict(scopes_of(after))
    changes += [Change(f"/{name}", "added", None, None) for name in new if name not in old]
    changes += [Change(f"/{name}", "removed", None, None) for name in old if name not in new]
    if changes:
        diff.nodes_changed.append(NodeChange(after.id, changes))
    if before.ui != after.ui:
        diff.nodes_moved.append(after.id)


def _fields(owner: Scope | Node) -> dict[str, Any]:
    """All that it says, what it says by default among it, and what is null left out."""
    told = owner.model_dump(mode="json", by_alias=True, exclude=_APART)
    return {key: value for key, value in told.items() if value is not None}


def _compare_edges(before: Scope, after: Scope, diff: ScopeDiff) -> None:
    old, new = _edges(before), _edges(after)
    diff.edges_added = [key for key in new if key not in old]
    diff.edges_removed = [key for key in old if key not in new]
    diff.edges_changed = [
        EdgeChange(key, old[key], when)
        for key, when in new.items()
        if key in old and old[key] != when
    ]


def _edges(scope: Scope) -> dict[EdgeKey, str | None]:
    counted: Counter[tuple[str, str, str]] = Counter()
    found = {}
    for edge in scope.edges:
        way = (edge.from_, edge.to, edge.port)
        found[EdgeKey(*way, counted[way])] = edge.when
        counted[way] += 1
    return found


def _changes(before: Any, after: Any, at: str = "") -> Iterator[Change]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys([*before, *after]):
            yield from _changes(
                before.get(key, _ABSENT), after.get(key, _ABSENT), f"{at}/{escaped(key)}"
            )
    elif isinstance(before, list) and isinstance(after, list) and before and after:
        for place in range(max(len(before), len(after))):
            yield from _changes(_item(before, place), _item(after, place), f"{at}/{place}")
    elif before is _ABSENT:
        yield Change(at, "added", None, after)
    elif after is _ABSENT:
        yield Change(at, "removed", before, None)
    elif type(before) is not type(after) or before != after:
        yield Change(at, "changed", before, after)


def _item(items: list[Any], place: int) -> Any:
    return items[place] if place < len(items) else _ABSENT
