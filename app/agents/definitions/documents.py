"""Texts that hold agents: JSON and YAML as people write them, read within bounds."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from typing import Any, Final

import orjson

from app.core.json_limits import holds_nul, too_deep

MOST_EVENTS: Final = 20_000
MOST_DEPTH: Final = 48
AGENT: Final = "luminous.agent/1"
AGENTS: Final = "luminous.agents/1"


class Unreadable(ValueError):
    """Why a document cannot be read, in a sentence."""


@dataclass(slots=True)
class Sketch:
    """An agent as a document has it; `ref` is what other agents of the import call it by.

    `position` is the document's place. `warnings` are of what was left out. `fan_in` is the agent
    that sums up for a parallel one of fast-agent's.
    """

    ref: str
    name: str
    position: int
    definition: dict[str, Any]
    slug: str | None = None
    description: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    fan_in: str | None = None


def read_json(text: str) -> Any:
    """Raises Unreadable."""
    written = text.encode()
    try:
        value = orjson.loads(written)
    except orjson.JSONDecodeError as error:
        raise Unreadable(f"it is no JSON: {error}") from None
    if too_deep(written, value) is not None:
        raise Unreadable("it is nested too deeply")
    if holds_nul(written, value) is not None:
        raise Unreadable("it holds the NUL character")
    return value


def read_yaml(text: str) -> Any:
    """YAML that says what JSON could: no aliases, no tags, no dates. Raises Unreadable."""
    yaml = _yaml()

    try:
        _expect_bounded(yaml, text)
        value = yaml.load(text, Loader=_loader())
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        said = str(error).replace("\n", " ")[:300]
        raise Unreadable(
            said if isinstance(error, Unreadable) else f"it is no YAML: {said}"
        ) from None
    _expect_json(value)
    return value


def _yaml() -> Any:
    return import_module("yaml")  # not needed at start


@lru_cache(maxsize=1)
def _loader() -> Any:
    yaml = _yaml()

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    own = {"yaml_implicit_resolvers": {}, "construct_mapping": _mapping}
    made: Any = type("PlainLoader", (base,), own)
    for tag, pattern, firsts in _PLAIN:
        made.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", pattern, firsts)
    return made


def _mapping(loader: Any, node: Any, deep: bool = False) -> Any:
    """Raises Unreadable for a name that is there twice: the first would be lost."""
    known: set[str] = set()
    for name, _ in node.value:
        if isinstance(name.value, str) and name.value in known:
            line = name.start_mark.line + 1
            raise Unreadable(f"in line {line}, `{name.value[:64]}` is there a second time")
        known.add(str(name.value))
    return super(type(loader), loader).construct_mapping(node, deep)


# As JSON has them: YAML's own `no` would be false, `1:30` ninety, and `2026-11-02` a date.
_PLAIN: Final = (
    ("null", re.compile(r"^(?:null|~|)$"), ["n", "~", ""]),
    ("bool", re.compile(r"^(?:true|false)$"), ["t", "f"]),
    ("int", re.compile(r"^-?(?:0|[1-9][0-9]{0,19})$"), list("-0123456789")),
    (
        "float",
        re.compile(r"^-?(?:0|[1-9][0-9]{0,18})(?:\.[0-9]{1,20})(?:[eE][-+]?[0-9]{1,3})?$"),
        list("-0123456789"),
    ),
)


def _expect_bounded(yaml: Any, text: str) -> None:
    """Look at its events before anything is built of them."""
    depth = 0
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for count, event in enumerate(yaml.parse(text, Loader=loader)):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise Unreadable("aliases and anchors are not taken")
        if getattr(event, "tag", None) not in (None, "!"):
            raise Unreadable("tags are not taken")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MOST_DEPTH or count > MOST_EVENTS:
            raise Unreadable("it is nested too deeply, or has too many parts")


def _expect_json(value: Any) -> None:
    level = [value]
    while level:
        below: list[Any] = []
        for node in level:
            if isinstance(node, dict):
                if not all(isinstance(name, str) for name in node):
                    raise Unreadable("each name must be a text; put it in quotes")
                below += [*node, *node.values()]
            elif isinstance(node, list):
                below += node
            elif isinstance(node, str) and "\x00" in node:
                raise Unreadable("it holds the NUL character")
            elif isinstance(node, int | float) and not _is_kept_exactly(node):
                raise Unreadable("it holds a number that is too large")
        level = below


def _is_kept_exactly(number: float) -> bool:
    """Whether JSON here has the number: 64 bits, and no infinity."""
    if isinstance(number, int):
        return -(2**63) <= number < 2**64
    return math.isfinite(number)


def write_yaml(value: Any) -> str:
    yaml = _yaml()

    return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100))


def own_sketches(value: Any, position: int, name: str) -> list[Sketch]:
    """The agents of a document in our own form: one, a bundle, or a bare definition.

    Raises Unreadable.
    """
    if not isinstance(value, Mapping):
        raise Unreadable("it is no object")
    told = value.get("agents") if "definition" not in value else None
    if value.get("format") == AGENTS or _is_bundle(told):
        if not isinstance(told, list) or not told:
            raise Unreadable("a bundle has its agents in `agents`")
        return [_own(each, position, f"{name}-{index + 1}") for index, each in enumerate(told)]
    if "definition" in value:
        return [_own(value, position, name)]
    return [Sketch(name, name, position, dict(value))]


def _is_bundle(told: Any) -> bool:
    return isinstance(told, list) and any(isinstance(each, Mapping) for each in told)


def _own(value: Any, position: int, name: str) -> Sketch:
    if not isinstance(value, Mapping) or not isinstance(value.get("definition"), Mapping):
        raise Unreadable("an agent of it has no `definition`")
    slug = value.get("slug")
    metadata = value.get("metadata")
    shown = str(value.get("name") or slug or name)
    return Sketch(
        ref=str(slug or shown),
        name=shown,
        position=position,
        definition=dict(value["definition"]),
        slug=str(slug) if slug else None,
        description=str(value.get("description") or ""),
        metadata=dict(metadata) if isinstance(metadata, Mapping) else {},
    )
