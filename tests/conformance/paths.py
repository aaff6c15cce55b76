"""Places in a JSON document by their dotted path: `choices.0.message`."""

from typing import Any

import orjson

from tests.conformance.case import AtLeast, Within

NOTHING = "nothing at all"


def get(document: Any, path: str) -> Any:
    """What stands there; NOTHING where nothing does."""
    for step in path.split(".") if path else ():
        if isinstance(document, list):
            document = document[int(step)] if int(step) < len(document) else NOTHING
        elif isinstance(document, dict):
            document = document.get(step, NOTHING)
        else:
            return NOTHING
    return document


def put(document: Any, path: str, value: Any) -> None:
    *way, last = path.split(".")
    place = get(document, ".".join(way))
    place[int(last) if isinstance(place, list) else last] = value


def matches(found: Any, expected: Any) -> bool:
    if isinstance(expected, Within):
        return found is not NOTHING and expected.text.encode() in orjson.dumps(found)
    if isinstance(expected, AtLeast):
        return isinstance(found, int | float) and found >= expected.number
    if isinstance(expected, dict) and isinstance(found, dict):
        return all(matches(found.get(name), value) for name, value in expected.items())
    return bool(found == expected)
