"""The agents that a definition names, and where in it."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from app.agents.definitions.definition import AgentDefinition

_SINGLE = ("generator", "evaluator", "fallback")


def references(definition: AgentDefinition) -> Iterator[tuple[str, str]]:
    """`("pattern/agents/0", "writer")`, in the order of the document."""
    return places(definition.model_dump(include={"agents", "pattern"}))


def places(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The same of a definition that is still JSON, and may be none."""
    yield from _listed(document.get("agents"), "agents")
    pattern = document.get("pattern")
    if isinstance(pattern, Mapping):
        yield from _listed(pattern.get("agents"), "pattern/agents")
        for name in _SINGLE:
            if isinstance(pattern.get(name), str):
                yield f"pattern/{name}", pattern[name]


def _listed(names: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(names, list):
        for index, name in enumerate(names):
            if isinstance(name, str):
                yield f"{place}/{index}", name


def renamed(document: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """A definition as JSON whose agents have the names that these have become."""
    changed: dict[str, Any] = deepcopy(dict(document))
    for place, name in places(document):
        *way, last = place.split("/")
        node: Any = changed
        for step in way:
            node = node[int(step) if isinstance(node, list) else step]
        node[int(last) if isinstance(node, list) else last] = names.get(name, name)
    return changed
