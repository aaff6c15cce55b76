"""The part of JSONPath (RFC 9535) that names members: `$.orders[0].id`, `$['a b'][*]`."""

import re
from typing import Any, Final

STEP: Final = re.compile(
    r"\.(?P<name>[A-Za-z_][A-Za-z0-9_-]*)|\[(?P<index>-?[0-9]{1,6})\]"
    r"|\[(?P<quote>['\"])(?P<quoted>[^'\"]*)(?P=quote)\]|(?P<every>\[\*\]|\.\*)"
)
MOST_FOUND: Final = 1_000


class PathInvalid(ValueError):
    """What is wrong with a path."""


def steps_of(path: str) -> list[str | int | None]:
    """The members it names, in order; None stands for every one. Raises PathInvalid."""
    if not path.startswith("$"):
        raise PathInvalid("a path begins with `$`")
    steps: list[str | int | None] = []
    at = 1
    while at < len(path):
        step = STEP.match(path, at)
        if step is None:
            raise PathInvalid(f"`{path[at:][:40]}` is not understood")
        steps.append(_step_of(step))
        at = step.end()
    return steps


def _step_of(step: re.Match[str]) -> str | int | None:
    if step["every"]:
        return None
    if step["index"] is not None:
        return int(step["index"])
    return step["name"] if step["name"] is not None else step["quoted"]


def found_at(path: str, document: Any) -> list[Any]:
    """The values there, at most a thousand; raises PathInvalid."""
    nodes = [document]
    for step in steps_of(path):
        nodes = [child for node in nodes for child in _children(node, step)][:MOST_FOUND]
    return nodes


def _children(node: Any, step: str | int | None) -> list[Any]:
    if step is None:
        if isinstance(node, dict):
            return list(node.values())
        return list(node) if isinstance(node, list) else []
    if isinstance(step, int):
        is_there = isinstance(node, list) and -len(node) <= step < len(node)
        return [node[step]] if is_there else []
    return [node[step]] if isinstance(node, dict) and step in node else []
