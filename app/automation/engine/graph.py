"""A scope as the walker needs it: who comes after whom, in the order of the document."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from app.automation.language.flow import Edge, Node, Scope
from app.automation.nodes.node_type import PureNode
from app.core.schema import Input


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes by their places in the document; edges by the places of both ends.

    `fixed` has, by place, the settings of pure nodes in which nothing is computed (else None), and
    of which type they are: those are read once.
    """

    scope: Scope
    nodes: Sequence[Node]
    places: dict[str, int]
    incoming: Sequence[int]
    outgoing: Sequence[Sequence[tuple[Edge, int]]]
    fixed: dict[int, tuple[PureNode[Any], Input | None]] = field(default_factory=dict)

    def has_port(self, place: int, port: str) -> bool:
        """Whether an edge leaves the node by this port."""
        return any(edge.port == port for edge, _ in self.outgoing[place])


def graph_of(scope: Scope) -> Graph:
    """Of a scope that was checked: its edges lead from and to its own nodes."""
    places = {node.id: place for place, node in enumerate(scope.nodes)}
    incoming = [0] * len(scope.nodes)
    outgoing: list[list[tuple[Edge, int]]] = [[] for _ in scope.nodes]
    for edge in scope.edges:
        to = places[edge.to]
        incoming[to] += 1
        outgoing[places[edge.from_]].append((edge, to))
    return Graph(scope, scope.nodes, places, incoming, outgoing)
