"""Definitions with the values of a template's variables in them."""

import re
from collections.abc import Mapping
from typing import Any, Final

import orjson

PLACE: Final = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
# What these fields say is rendered again, by the agent's own variables.
RENDERED: Final = frozenset({"instructions"})
# The parts of a workflow's definition whose texts are templates themselves, and what those see.
STEPS: Final = frozenset({"nodes", "edges", "outputs"})
FLOW_NAMES: Final = frozenset(
    {"error", "event", "index", "inputs", "item", "last", "nodes", "run", "vars"}
)
# At the end of a text, what comes next could make a tag of it.
_BRACES: Final = re.compile(r"\{(?=[{%#]|\Z)")
_LAST_BRACE: Final = re.compile(r"\{\Z")
BRACE: Final = "{{ '{' }}"


def fill(document: Any, values: Mapping[str, Any], *, rendered: bool = False) -> Any:
    """The document with every `{{ name }}` replaced whose name has a value.

    A string that is one place alone becomes the value. `rendered`: what is written is a template
    itself, where a value must stay what it is: its braces are made inert.
    """
    if isinstance(document, dict):
        return {
            key: fill(value, values, rendered=rendered or key in RENDERED)
            for key, value in document.items()
        }
    if isinstance(document, list):
        return [fill(each, values, rendered=rendered) for each in document]
    if not isinstance(document, str):
        return document
    whole = PLACE.fullmatch(document)
    if whole is not None and whole[1] in values and not rendered:
        return values[whole[1]]

    return _filled(document, values, rendered=rendered)


def fill_flow(document: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """A workflow's definition with the values in it; within steps they say nothing but text."""
    steps = {name: _inert(value) for name, value in values.items()}
    return {key: fill(value, steps if key in STEPS else values) for key, value in document.items()}


def _inert(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _inert(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_inert(each) for each in value]
    return inert(value) if isinstance(value, str) else value


def _filled(text: str, values: Mapping[str, Any], *, rendered: bool) -> str:
    """`rendered`: neither a value nor where it meets what stands beside it makes a tag."""
    pieces, at = [], 0
    for place in PLACE.finditer(text):
        if place[1] not in values:
            continue
        before, value = text[at : place.start()], written(values[place[1]])
        if rendered:
            before, value = _LAST_BRACE.sub(BRACE, before), inert(value)
        pieces += [before, value]
        at = place.end()
    return "".join([*pieces, text[at:]])


def names_in(document: Any) -> set[str]:
    """All names in the document's places, those of the agent's own variables among them."""
    if isinstance(document, dict):
        return set().union(*map(names_in, document.values()))
    if isinstance(document, list):
        return set().union(*map(names_in, document))
    return set(PLACE.findall(document)) if isinstance(document, str) else set()


def written(value: Any) -> str:
    """A value within a text."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def inert(text: str) -> str:
    """A text that a Jinja template gives back as it is."""
    return _BRACES.sub(BRACE, text)


def point_members(definition: Any, members: Mapping[str, str]) -> Any:
    """The definition with the keys of members replaced by what they are called as agents."""

    def named(value: Any) -> Any:
        if isinstance(value, list):
            return [named(each) for each in value]
        return members.get(value, value) if isinstance(value, str) else value

    told = dict(definition)
    if isinstance(told.get("agents"), list):
        told["agents"] = named(told["agents"])
    if isinstance(told.get("pattern"), dict):
        places = ("agents", "generator", "evaluator", "fallback")
        told["pattern"] = {
            key: named(value) if key in places else value for key, value in told["pattern"].items()
        }
    return told
