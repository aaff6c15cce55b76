"""How much it takes to hold a value to a JSON Schema, and to say what is wrong with it.

Whether a value is valid takes one look at each of its places by each part of the schema. What is
wrong with it is told by every way that leads there: where a schema that leads back to itself has
several branches, they double with each level of the value.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from app.core.json_schema_parts import Parts

# Looks that take a second at most.
MOST_LOOKS: Final = 5_000_000
MOST_TOLD: Final = 100_000
MOST_TOLD_RECURRING: Final = 20_000
_ALTERNATIVES: Final = ("allOf", "anyOf", "oneOf")
_OTHERS: Final = ("not", "if", "then", "else")
_BY_KEY: Final = ("dependentSchemas", "dependencies")
_REST_OF_OBJECT: Final = ("additionalProperties", "unevaluatedProperties")
_REST_OF_ARRAY: Final = ("items", "additionalItems", "unevaluatedItems")

Look = tuple[Any, Any]


def looks(parts: Parts, value: Any) -> int:
    """How often a part of the schema may look at a place of the value, at most once each.

    Counting ends where there are more than MOST_LOOKS.
    """
    places = 0
    for _ in _places(value):
        places += 1
        if places * parts.count > MOST_LOOKS:
            break
    return places * parts.count


def is_told_soon(parts: Parts, value: Any) -> bool:
    """Whether there are few ways in which a part comes to look at a place.

    Fewer are allowed where parts recur: each of them may be a mistake that holds all those below.
    """
    if parts.places.leads_away:
        return False
    todo: list[Look] = [(parts.places.root, value)]
    for _ in range(MOST_TOLD_RECURRING if parts.recurs else MOST_TOLD):
        if not todo:
            return True
        schema, place = todo.pop()
        if isinstance(schema, dict):
            todo += _below(parts, schema, place)
    return False


def _places(value: Any) -> Iterator[Any]:
    todo = [value]
    while todo:
        place = todo.pop()
        yield place
        if isinstance(place, dict):
            todo += place.values()
        elif isinstance(place, list):
            todo += place


def _below(parts: Parts, schema: dict[str, Any], value: Any) -> Iterator[Look]:
    """What a part has look next, and at what; rather too much than too little."""
    yield from ((led, value) for led in parts.places.led_to(schema))
    for name in _ALTERNATIVES:
        yield from ((each, value) for each in _list(schema.get(name)))
    yield from ((schema[name], value) for name in _OTHERS if name in schema)
    if isinstance(value, dict):
        yield from _below_object(schema, value)
    elif isinstance(value, list):
        yield from _below_array(schema, value)


def _below_object(schema: dict[str, Any], value: dict[str, Any]) -> Iterator[Look]:
    for name in _BY_KEY:
        yield from ((each, value) for key, each in _dict(schema.get(name)).items() if key in value)
    named = _dict(schema.get("properties"))
    yield from ((named[key], child) for key, child in value.items() if key in named)
    for each in _dict(schema.get("patternProperties")).values():
        yield from ((each, child) for child in value.values())
    rest = [child for key, child in value.items() if key not in named]
    for name in _REST_OF_OBJECT:
        yield from _each(schema.get(name), rest)
    yield from _each(schema.get("propertyNames"), value)


def _below_array(schema: dict[str, Any], value: list[Any]) -> Iterator[Look]:
    first = _list(schema.get("prefixItems")) or _list(schema.get("items"))
    yield from zip(first, value, strict=False)
    for name in _REST_OF_ARRAY:
        yield from _each(schema.get(name), value[len(first) :])
    yield from _each(schema.get("contains"), value)


def _each(schema: Any, values: Iterable[Any]) -> Iterator[Look]:
    if isinstance(schema, dict):
        yield from ((schema, value) for value in values)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
