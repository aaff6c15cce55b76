"""Ways through a definition."""

from collections.abc import Iterator

from app.automation.language.flow import Node, Scope


def scopes_of(node: Node) -> Iterator[tuple[str, Scope]]:
    """The scopes that a node holds, with their places in its document."""
    for place, scope in (("body", node.body), ("catch", node.catch), ("finally", node.finally_)):
        if scope is not None:
            yield place, scope
    for label, scope in (node.branches or {}).items():
        yield f"branches/{label}", scope


def nodes_within(scope: Scope) -> Iterator[Node]:
    """All nodes of a scope and of the scopes within it, each before what it holds."""
    for node in scope.nodes:
        yield node
        for _, inner in scopes_of(node):
            yield from nodes_within(inner)
