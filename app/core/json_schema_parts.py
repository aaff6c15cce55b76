"""How large a JSON Schema is with its references followed: it may double with each of them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote, urldefrag, urljoin

MOST_PARTS: Final = 100_000
_REFERENCES: Final = ("$ref", "$dynamicRef", "$recursiveRef")
_BY_CALLER: Final = ("$dynamicRef", "$recursiveRef")
_ANCHORS: Final = ("$anchor", "$dynamicAnchor")
# What holds schemas by names of its own, and what is looked at only where something refers to it.
_MAPS: Final = frozenset({"properties", "patternProperties", "dependentSchemas"})
_SHELVES: Final = frozenset({"$defs", "definitions"})
_UNDER_WAY: Final = 0


@dataclass(frozen=True, slots=True)
class Parts:
    """What a schema consists of.

    `count` is that of its parts, repeated ones counted each time; a part that leads back to itself
    counts once, as how often it is looked at is up to the value. `recurs` says that there is one.
    """

    places: "Places"
    count: int
    recurs: bool


def parts_of(schema: Any) -> Parts:
    """Raise ValueError where there are more than MOST_PARTS."""
    places = Places(schema)
    count = _Count(places)
    number = count.of(schema)
    if places.refer and number > MOST_PARTS:
        raise ValueError(f"has more than {MOST_PARTS} parts once its references are followed")
    return Parts(places, number, count.recurs or places.leads_away)


class Places:
    """Where a schema's references lead: `named` by address and anchor, `bases` by the node's id.

    `leads_away` says that one of them leads where nobody sees: into a meta-schema, or, as with
    `$dynamicRef` in a document of several schemas, to where its caller says.
    """

    def __init__(self, root: Any) -> None:
        self.root = root
        self.named: dict[str, Any] = {}
        self.bases: dict[int, str] = {}
        self.refer = False
        self._led: dict[int, tuple[Any, ...]] = {}
        self._ids = ("$id", "id") if "draft-04" in _draft(root) else ("$id",)
        self._note_all(root)
        self.leads_away = self.refer and self._leads_away()

    def _note_all(self, root: Any) -> None:
        base = ""
        todo = [(root, base)]
        self.named[base] = root
        while todo:
            node, base = todo.pop()
            if isinstance(node, dict):
                base = self._note(node, base)
            todo += [(child, base) for child in _children(node)]

    def _note(self, node: dict[str, Any], base: str) -> str:
        for name in self._ids:
            own = node.get(name)
            if isinstance(own, str):
                base, anchor = urldefrag(_joined(base, own))
                self.named.setdefault(f"{base}#{anchor}" if anchor else base, node)
        for name in _ANCHORS:
            if isinstance(node.get(name), str):
                self.named.setdefault(f"{base}#{node[name]}", node)
        self.refer = self.refer or any(isinstance(node.get(n), str) for n in _REFERENCES)
        self.bases[id(node)] = base
        return base

    def _leads_away(self) -> bool:
        several = len(set(self.bases.values())) > 1
        return any(
            (several and any(isinstance(node.get(name), str) for name in _BY_CALLER))
            or any(led is None for led in self.led_to(node))
            for node in _objects(self.root)
        )

    def led_to(self, node: dict[str, Any]) -> tuple[Any, ...]:
        led = self._led.get(id(node))
        if led is None:
            base = self.bases[id(node)]
            addresses = [node[name] for name in _REFERENCES if isinstance(node.get(name), str)]
            led = tuple(self._found(_joined(base, each)) for each in addresses)
            self._led[id(node)] = led
        return led

    def _found(self, address: str) -> Any:
        """None for what is not in this document."""
        if address in self.named:
            return self.named[address]
        base, fragment = urldefrag(address)
        if fragment and not fragment.startswith("/"):
            return None
        node = self.named.get(base)
        for step in unquote(fragment).split("/")[1:]:
            node = _below(node, step.replace("~1", "/").replace("~0", "~"))
        return node


class _Count:
    def __init__(self, places: Places) -> None:
        self._places = places
        self._known: dict[int, int] = {}
        self.recurs = False

    def of(self, root: Any) -> int:
        """Counted from the leaves up, without recursion: references can be thousands deep."""
        todo = [root]
        while todo:
            node = todo[-1]
            below = self._below(node)
            if id(node) not in self._known:
                self._known[id(node)] = _UNDER_WAY
                self.recurs |= any(self._known.get(id(each)) == _UNDER_WAY for each in below)
                todo += [each for each in below if id(each) not in self._known]
            else:
                todo.pop()
                if self._known[id(node)] == _UNDER_WAY:
                    self._known[id(node)] = 1 + sum(self._known.get(id(each), 0) for each in below)
        return self._known[id(root)]

    def _below(self, node: Any) -> list[Any]:
        led = self._places.led_to(node) if isinstance(node, dict) else ()
        return [each for each in (*_parts(node), *led) if isinstance(each, dict | list)]


def _joined(base: str, address: str) -> str:
    """`urljoin` would take a fragment away from a base that is a URN."""
    return base + address if address.startswith("#") else urljoin(base, address)


def _draft(root: Any) -> str:
    return str(root.get("$schema", "")) if isinstance(root, dict) else ""


def _objects(root: Any) -> Iterator[dict[str, Any]]:
    todo = [root]
    while todo:
        node = todo.pop()
        if isinstance(node, dict):
            yield node
        todo += _children(node)


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
