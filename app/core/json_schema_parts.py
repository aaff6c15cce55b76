"""How large a JSON Schema is with its references followed: it may double with each of them."""

import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import unquote, urldefrag, urljoin

MOST_PARTS: Final = 100_000
_REFERENCES: Final = ("$ref", "$dynamicRef", "$recursiveRef")
_ANCHORS: Final = ("$anchor", "$dynamicAnchor")
# What holds schemas by names of its own, and what is looked at only where something refers to it.
_MAPS: Final = frozenset({"properties", "patternProperties", "dependentSchemas"})
_SHELVES: Final = frozenset({"$defs", "definitions"})
_UNDER_WAY: Final = 0


def expect_few_parts(schema: Any) -> None:
    """Raise ValueError where it has more than MOST_PARTS parts, repeated ones counted each time.

    A part that leads back to itself counts once: how often it is looked at is up to the value.
    """
    places = _Places()
    places.note(schema, "")
    if places.refer and _Count(places).of(schema) > MOST_PARTS:
        raise ValueError(f"has more than {MOST_PARTS} parts once its references are followed")


class _Places:
    """Where a schema's references lead: `named` by address and anchor, `bases` by the node's id."""

    def __init__(self) -> None:
        self.named: dict[str, Any] = {}
        self.bases: dict[int, str] = {}
        self.refer = False

    def note(self, root: Any, base: str) -> None:
        todo = [(root, base)]
        self.named[base] = root
        while todo:
            node, base = todo.pop()
            if isinstance(node, dict):
                base = self._note(node, base)
            todo += [(child, base) for child in _children(node)]

    def _note(self, node: dict[str, Any], base: str) -> str:
        own = node.get("$id")
        if isinstance(own, str):
            base = urldefrag(urljoin(base, own))[0]
            self.named.setdefault(base, node)
        for name in _ANCHORS:
            if isinstance(node.get(name), str):
                self.named.setdefault(f"{base}#{node[name]}", node)
        self.refer = self.refer or any(isinstance(node.get(n), str) for n in _REFERENCES)
        self.bases[id(node)] = base
        return base

    def led_to(self, node: dict[str, Any]) -> Iterator[Any]:
        for name in _REFERENCES:
            address = node.get(name)
            if isinstance(address, str):
                yield self._found(urljoin(self.bases[id(node)], address) or address)

    def _found(self, address: str) -> Any:
        """None for what is not in this document."""
        if address in self.named:
            return self.named[address]
        base, fragment = urldefrag(address)
        node = self.named.get(base)
        for step in unquote(fragment).split("/")[1:]:
            node = _below(node, step.replace("~1", "/").replace("~0", "~"))
        return node


class _Count:
    def __init__(self, places: _Places) -> None:
        self._places = places
        self._known: dict[int, int] = {}

    def of(self, root: Any) -> int:
        """Counted from the leaves up, without recursion: references can be thousands deep."""
        todo = [root]
        while todo:
            node = todo[-1]
            below = self._below(node)
            if id(node) not in self._known:
                self._known[id(node)] = _UNDER_WAY
                todo += [each for each in below if id(each) not in self._known]
            else:
                todo.pop()
                if self._known[id(node)] == _UNDER_WAY:
                    self._known[id(node)] = 1 + sum(self._known.get(id(each), 0) for each in below)
        return self._known[id(root)]

    def _below(self, node: Any) -> list[Any]:
        led = self._places.led_to(node) if isinstance(node, dict) else ()
        return [each for each in (*_parts(node), *led) if isinstance(each, dict | list)]


def _children(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return list(node.values())
    return node if isinstance(node, list) else []


def _parts(schema: Any) -> Iterator[Any]:
    if not isinstance(schema, dict):
        yield from _children(schema)
        return
    for name, value in schema.items():
        if name in _MAPS and isinstance(value, dict):
            yield from value.values()
        elif name not in _SHELVES:
            yield value


def _below(node: Any, step: str) -> Any:
    if isinstance(node, dict):
        return node.get(step)
    if isinstance(node, list) and re.fullmatch("[0-9]{1,6}", step) and int(step) < len(node):
        return node[int(step)]
    return None
