"""Where in a definition a check is, what can be seen from there, and what it has found."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from app.automation.language.flow import Flow, Node, Scope
from app.automation.language.types import KnownType, KnownTypes
from app.automation.language.walks import nodes_within
from app.core.errors import FieldError

MOST_FOUND: Final = 200


@dataclass(slots=True)
class Findings:
    """Mistakes, each with a pointer; `warnings` are what does not keep it from running."""

    errors: list[FieldError] = field(default_factory=list)
    warnings: list[FieldError] = field(default_factory=list)

    def add(self, pointer: str, code: str, detail: str) -> None:
        if len(self.errors) < MOST_FOUND:
            self.errors.append(FieldError(pointer, code, detail))

    def warn(self, pointer: str, code: str, detail: str) -> None:
        if len(self.warnings) < MOST_FOUND:
            self.warnings.append(FieldError(pointer, code, detail))


@dataclass(frozen=True, slots=True)
class Whole:
    """What holds for the whole definition. `ids` are those of its nodes, of all scopes."""

    flow: Flow
    types: KnownTypes
    findings: Findings
    ids: frozenset[str]
    closed_inputs: frozenset[str] | None

    def type_of(self, node: Node) -> KnownType | None:
        return self.types.find(node.type, node.v)


@dataclass(frozen=True, slots=True)
class View:
    """What an expression sees: nodes, and names beside those that are seen everywhere."""

    nodes: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    bases: frozenset[str] = frozenset({"inputs", "vars", "nodes", "run"})

    def with_nodes(self, *ids: str) -> "View":
        return replace(self, nodes=self.nodes.union(ids))

    def with_names(self, names: frozenset[str]) -> "View":
        return replace(self, names=self.names | names)


def whole_of(flow: Flow, types: KnownTypes) -> Whole:
    ids = frozenset(node.id for node in nodes_within(flow))
    return Whole(flow, types, Findings(), ids, _closed(flow.inputs))


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
