"""What a definition names in the workspace: looked for when it is written, found when it runs."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from app.automation.language.flow import Flow, Node, Scope
from app.automation.language.walks import scopes_of
from app.automation.workflows.models import WORKFLOW_KIND
from app.core.auth import Access
from app.core.db import AsyncSession
from app.core.errors import FieldError
from app.identity.versioned import keeping
from app.knowledge.collections import service as collections

_NAMES: Final = {
    ("subworkflow", "workflow"): "workflow",
    ("retrieve", "collections"): "collection",
}


async def absent(
    session: AsyncSession, access: Access, flow: Flow, *, beside: frozenset[str], at: str
) -> list[FieldError]:
    """Workflows and collections that the caller does not see; the rest node types know themselves.

    `at` is the pointer of the definition; workflows of the slugs `beside` it are made with it.
    """
    named = list(references(flow, at))
    wanted: dict[str, set[str]] = {kind: set() for kind in _NAMES.values()}
    for _, kind, name in named:
        wanted[kind].add(name)
    known = {
        "workflow": beside
        | await keeping.known(session, WORKFLOW_KIND, access, wanted["workflow"]),
        "collection": await _collections(session, access, wanted["collection"]),
    }
    return [
        FieldError(pointer, f"{kind}_not_found", f"you see no {kind} `{name}`")
        for pointer, kind, name in named
        if name not in known[kind]
    ]


async def _collections(session: AsyncSession, access: Access, names: set[str]) -> set[str]:
    return await collections.known(session, access, names) if names else set()


def references(flow: Flow, at: str = "") -> Iterator[tuple[str, str, str]]:
    """`("/nodes/0/with/workflow", "workflow", "refunds")`, in the order of the document."""
    for place, node in nodes_of(flow, at):
        yield from _named(f"{place}/with", node.type, node.with_)
        if undo := node.compensate:
            yield from _named(f"{place}/compensate/with", undo.type, undo.with_)


def _named(place: str, kind: str, settings: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for (node_type, field), what in _NAMES.items():
        if node_type != kind:
            continue
        value = settings.get(field)
        many = isinstance(value, list)
        for index, name in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(name, str) and "{{" not in name:
                yield f"{place}/{field}{f'/{index}' if many else ''}", what, name


def nodes_of(scope: Scope, at: str = "") -> Iterator[tuple[str, Node]]:
    """Every node with its place in the definition, each before what it holds."""
    for index, node in enumerate(scope.nodes):
        place = f"{at}/nodes/{index}"
        yield place, node
        for within, inner in scopes_of(node):
            yield from nodes_of(inner, f"{place}/{within}")


def rename(flow: Flow, names: Mapping[str, str]) -> None:
    """Have sub-workflows called by the slugs that these have become."""
    for _, node in nodes_of(flow):
        settings = node.with_
        called = settings.get("workflow") if node.type == "subworkflow" else None
        if isinstance(called, str) and called in names:
            settings["workflow"] = names[called]
