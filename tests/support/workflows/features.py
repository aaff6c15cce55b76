"""What of the language a random workflow has, and what of it a run came to."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

KINDS = ("parallel", "map", "loop", "try", "wait", "approval")
OTHERS = ("retry", "error edge", "cache", "compensation", "join any")
FEATURES = (*KINDS, *OTHERS)


def had(definition: Mapping[str, Any]) -> set[str]:
    """The features of a definition."""
    found = set()
    for scope in _scopes(definition):
        edges = scope.get("edges", ())
        found |= {"error edge" for edge in edges if edge.get("port") == "error"}
        for node in scope["nodes"]:
            found |= {node["type"]} & set(KINDS)
            found |= {"join any"} if node.get("join") == "any" else set()
            found |= {name for name in ("retry", "cache") if name in node}
            found |= {"compensation"} if "compensate" in node else set()
    return found


def carried_out(definition: Mapping[str, Any], steps: Sequence[Mapping[str, Any]]) -> Counter[str]:
    """How many steps of each feature were kept; of computed nodes none is."""
    nodes = {node["id"]: node for scope in _scopes(definition) for node in scope["nodes"]}
    caught = {
        edge["from"]
        for scope in _scopes(definition)
        for edge in scope.get("edges", ())
        if edge.get("port") == "error"
    }
    counted: Counter[str] = Counter()
    for step in steps:
        node = nodes[step["node_id"]]
        if step["path"].endswith("~undo"):
            counted["compensation"] += 1
            continue
        counted[node["type"]] += node["type"] in KINDS
        counted["retry"] += step["attempt"] > 0
        counted["cache"] += "cache" in node
        counted["join any"] += node.get("join") == "any"
        failed = step["status"] == "error" and step["retry_at"] is None
        counted["error edge"] += failed and node["id"] in caught
    return counted


def _scopes(scope: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield scope
    for node in scope["nodes"]:
        inner = [node[name] for name in ("body", "catch", "finally") if name in node]
        for each in (*inner, *node.get("branches", {}).values()):
            yield from _scopes(each)
