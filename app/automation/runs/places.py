"""Where paths lead in a definition: `items[3]/send` is the node `send` in the body of `items`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from app.automation.language.flow import Flow, Node, Scope

# `#1` is a container's second attempt, `[3]` its fourth item, `~undo` what undoes a node.
_MARKS: Final = re.compile(r"[#\[~].*$")


@dataclass(frozen=True, slots=True)
class Place:
    """A node in the scope that holds it; `within` are the ids of its containers, outside first."""

    node: Node
    scope: Scope
    within: tuple[str, ...] = field(default=())


def places_of(flow: Flow) -> dict[str, Place]:
    """Every node of a definition by its id."""
    return {place.node.id: place for place in _within(flow, ())}


def _within(scope: Scope, within: tuple[str, ...]) -> Iterator[Place]:
    for node in scope.nodes:
        yield Place(node, scope, within)
        for inner in inner_scopes(node).values():
            yield from _within(inner, (*within, node.id))


def inner_scopes(node: Node) -> dict[str, Scope]:
    """What a container holds, by the field or the branch."""
    named = {"body": node.body, "catch": node.catch, "finally": node.finally_}
    scopes = {name: scope for name, scope in named.items() if scope is not None}
    return {**scopes, **(node.branches or {})}


def container_of(path: str) -> str:
    """The path of the container around a path; empty at the top."""
    head = path.rpartition("/")[0]
    outside, slash, last = head.rpartition("/")
    return f"{outside}{slash}{node_id_at(last)}"


def node_id_at(step: str) -> str:
    """The node of one step of a path, without what tells its iterations and attempts apart."""
    return _MARKS.sub("", step)


def before(scope: Scope, node_id: str) -> list[str]:
    """The nodes from which an edge leads to this one."""
    return list(dict.fromkeys(edge.from_ for edge in scope.edges if edge.to == node_id))


def after(scope: Scope, node_id: str) -> list[str]:
    """The nodes to which an edge leads from this one."""
    return list(dict.fromkeys(edge.to for edge in scope.edges if edge.from_ == node_id))


def upstream(scope: Scope, node_id: str) -> set[str]:
    """All nodes of a scope that come before one, not only the last."""
    found: set[str] = set()
    left = [node_id]
    while left:
        for each in before(scope, left.pop()):
            if each not in found:
                found.add(each)
                left.append(each)
    return found
