"""The shape of a scope: ids, edges, ports, cycles, and the scopes within its nodes."""

from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import Final

from app.automation.language.checks.view import Whole
from app.automation.language.flow import ERROR, MOST_DEPTH, MOST_NODES, OUT, TIMEOUT, Node, Scope
from app.automation.language.types import KnownType
from app.automation.language.walks import nodes_within, scopes_of

EVERYWHERE: Final = frozenset({ERROR, TIMEOUT})
_OPTIONAL: Final = frozenset({"catch", "finally"})
_MOST_NAMED: Final = 10
_MOST_CYCLES: Final = 10


def check_counts(whole: Whole, at: str) -> bool:
    """Whether there are so few nodes that the rest can be checked."""
    count = sum(1 for _ in nodes_within(whole.flow))
    if count > MOST_NODES:
        said = f"has {count} nodes in all its scopes; {MOST_NODES} are the most"
        whole.findings.add(f"{at}/nodes", "too_many_nodes", said)
        return False
    _check_ids(whole, whole.flow, at, set())
    return True


def _check_ids(whole: Whole, scope: Scope, at: str, seen: set[str]) -> None:
    for place, node in enumerate(scope.nodes):
        here = f"{at}/nodes/{place}"
        if node.id in seen:
            said = f"another node is called `{node.id}`: ids are unique in the whole definition"
            whole.findings.add(f"{here}/id", "node_id_taken", said)
        seen.add(node.id)
        for name, inner in scopes_of(node):
            _check_ids(whole, inner, f"{here}/{name}", seen)


def check_graph(whole: Whole, scope: Scope, at: str) -> None:
    """Of this scope alone."""
    nodes = {node.id: node for node in scope.nodes}
    for place, edge in enumerate(scope.edges):
        here = f"{at}/edges/{place}"
        for name, end in (("from", edge.from_), ("to", edge.to)):
            if end not in nodes:
                said = _absent(whole, end, nodes)
                whole.findings.add(f"{here}/{name}", "edge_node_unknown", said)
        if edge.from_ in nodes:
            _check_port(whole, nodes[edge.from_], edge.port, f"{here}/port")
    _check_cycles(whole, scope, at)
    _warn_of_loners(whole, scope, at)


def _absent(whole: Whole, node_id: str, here: Iterable[str]) -> str:
    held = whole.holders.get(node_id)
    if held:
        container, name = held[-1]
        return f"`{node_id}` is in `{name}` of `{container}`: edges stay within their scope"
    if node_id in whole.holders:
        return f"`{node_id}` is in another scope: edges stay within theirs"
    return f"there is no node `{node_id}`{whole.findings.near(node_id, here)}"


def _check_port(whole: Whole, node: Node, port: str, at: str) -> None:
    node_type = whole.type_of(node)
    if node_type is None:
        return
    ports = ports_of(node, node_type)
    if port not in ports | EVERYWHERE:
        known = ", ".join(f"`{each}`" for each in sorted(ports | EVERYWHERE))
        said = f"`{node.id}` ({node.type}) has no port `{port}`; it has {known}"
        said += ": `port` says by which" if port == OUT else ""
        whole.findings.add(at, "port_unknown", said)


def ports_of(node: Node, node_type: KnownType) -> frozenset[str]:
    return node_type.ports_of(node.with_)


def _check_cycles(whole: Whole, scope: Scope, at: str) -> None:
    """A mistake for each, until none is left (or many are told)."""
    edges = {(edge.from_, edge.to): place for place, edge in reversed([*enumerate(scope.edges)])}
    for _ in range(_MOST_CYCLES):
        cycle = _cycle(edges)
        if cycle is None:
            return
        shown = [*cycle[:_MOST_NAMED], "…"] if len(cycle) > _MOST_NAMED else cycle
        said = f"nodes wait for each other: {' → '.join(shown)}; for turns there is `loop`"
        places = [edges.pop(pair) for pair in pairwise(cycle)]
        whole.findings.add(f"{at}/edges/{max(places)}", "cycle", said)


def _cycle(edges: Iterable[tuple[str, str]]) -> list[str] | None:
    """The nodes of one, in the order of its edges; the first is the last too."""
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for source, target in edges:
        sorter.add(target, source)
    try:
        sorter.prepare()
    except CycleError as error:
        cycle: list[str] = error.args[1]
        return cycle
    return None


def _warn_of_loners(whole: Whole, scope: Scope, at: str) -> None:
    joined = {end for edge in scope.edges for end in (edge.from_, edge.to)}
    for place, node in enumerate(scope.nodes):
        if joined and node.id not in joined:
            said = "no edge leads to or from it: it begins at once, beside the others"
            whole.findings.warn(f"{at}/nodes/{place}", "node_unconnected", said)
        node_type = whole.type_of(node)
        if node_type is not None and node_type.kind == "waiting":
            _warn_of_dead_ends(whole, scope, node, ports_of(node, node_type), f"{at}/nodes/{place}")


def _warn_of_dead_ends(
    whole: Whole, scope: Scope, node: Node, ports: frozenset[str], at: str
) -> None:
    led = {edge.port for edge in scope.edges if edge.from_ == node.id}
    for port in sorted(ports - led if led else ()):
        said = f"no edge leaves by its port `{port}`: there the run ends this way"
        whole.findings.warn(at, "port_unconnected", said)


def check_scopes(whole: Whole, node: Node, node_type: KnownType, at: str, depth: int) -> None:
    """That the node holds the scopes of its kind, and no deeper than may be."""
    held = {name.partition("/")[0] for name, _ in scopes_of(node)}
    for name in sorted(held - node_type.scopes):
        said = f"`{node.type}` holds no `{name}`"
        whole.findings.add(f"{at}/{name}", "scope_not_allowed", said)
    for name in sorted(node_type.scopes - held - _OPTIONAL):
        whole.findings.add(f"{at}/{name}", "scope_missing", f"`{node.type}` wants `{name}`")
    if held and depth >= MOST_DEPTH:
        said = f"scopes are nested more than {MOST_DEPTH} deep"
        whole.findings.add(at, "scopes_too_deep", said)


def check_mock(whole: Whole, node: Node, at: str) -> None:
    if node.mock is not None and node.mock.port is not None:
        _check_port(whole, node, node.mock.port, f"{at}/mock/port")
