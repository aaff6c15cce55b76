"""Where in a definition a check is, what can be seen from there, and what it has found."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from app.automation.language.checks.words import near
from app.automation.language.flow import Flow, Node, Scope
from app.automation.language.types import KnownType, KnownTypes
from app.automation.language.walks import scopes_of
from app.core.errors import FieldError

MOST_FOUND: Final = 200
MOST_HINTS: Final = 20
Held = tuple[str, str]
"""A container's id, and its scope: `body`, `branches/left`."""


@dataclass(slots=True)
class Findings:
    """Mistakes, each with a pointer; `warnings` are what does not keep it from running."""

    errors: list[FieldError] = field(default_factory=list)
    warnings: list[FieldError] = field(default_factory=list)
    hints: int = MOST_HINTS

    @property
    def is_full(self) -> bool:
        return len(self.errors) >= MOST_FOUND

    def add(self, pointer: str, code: str, detail: str) -> None:
        if not self.is_full:
            self.errors.append(FieldError(pointer, code, detail))

    def near(self, name: str, known: Iterable[str]) -> str:
        """`: did you mean …`; of the first mistakes alone, since to compare names takes a while."""
        self.hints -= 1
        return near(name, known) if self.hints >= 0 else ""

    def warn(self, pointer: str, code: str, detail: str) -> None:
        if len(self.warnings) < MOST_FOUND:
            self.warnings.append(FieldError(pointer, code, detail))


@dataclass(frozen=True, slots=True)
class Whole:
    """What holds for the whole definition.

    `holders` are, of each node of all scopes, the scopes that hold it, the outermost first.
    """

    flow: Flow
    types: KnownTypes
    findings: Findings
    holders: Mapping[str, tuple[Held, ...]]
    closed_inputs: frozenset[str] | None

    def type_of(self, node: Node) -> KnownType | None:
        return self.types.find(node.type, node.v)


@dataclass(frozen=True, slots=True)
class View:
    """What an expression sees: nodes, and names beside those that are seen everywhere."""

    nodes: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    bases: frozenset[str] = frozenset({"inputs", "vars", "nodes", "run"})
    holders: tuple[Held, ...] = ()

    def with_nodes(self, *ids: str) -> "View":
        return replace(self, nodes=self.nodes.union(ids))

    def with_names(self, names: frozenset[str]) -> "View":
        return replace(self, names=self.names | names)

    def within(self, container: str, name: str) -> "View":
        return replace(self, holders=(*self.holders, (container, name)))


def whole_of(flow: Flow, types: KnownTypes) -> Whole:
    return Whole(flow, types, Findings(), dict(_holders(flow, ())), _closed(flow.inputs))


def _holders(scope: Scope, held: tuple[Held, ...]) -> Iterator[tuple[str, tuple[Held, ...]]]:
    for node in scope.nodes:
        yield node.id, held
        for name, inner in scopes_of(node):
            yield from _holders(inner, (*held, (node.id, name)))


def _closed(schema: Mapping[str, Any] | None) -> frozenset[str] | None:
    """The only names that inputs can have; None where there can be others."""
    if schema is None or schema.get("additionalProperties") is not False:
        return None
    properties = schema.get("properties", {})
    opened = {"patternProperties", "$ref", "allOf", "anyOf", "oneOf", "$dynamicRef"} & schema.keys()
    return None if opened or not isinstance(properties, Mapping) else frozenset(properties)


def ancestors_in(scope: Scope) -> dict[str, frozenset[str]]:
    """Of each node of the scope, those that end before it begins; what is in a cycle has none."""
    before: dict[str, set[str]] = {node.id: set() for node in scope.nodes}
    waiting = dict.fromkeys(before, 0)
    after: dict[str, list[str]] = {node_id: [] for node_id in before}
    for edge in scope.edges:
        if edge.from_ in before and edge.to in before:
            waiting[edge.to] += 1
            after[edge.from_].append(edge.to)
    ready = [node_id for node_id, count in waiting.items() if not count]
    while ready:
        done = ready.pop()
        for node_id in after[done]:
            before[node_id] |= before[done] | {done}
            waiting[node_id] -= 1
            if not waiting[node_id]:
                ready.append(node_id)
    return {node_id: frozenset(found) for node_id, found in before.items()}
