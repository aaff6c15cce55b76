"""JSON Schemas that people write: whether they are ones, and what a value has wrong by them."""

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

import orjson

from app.core.errors import FieldError
from app.core.json_schemas import validator_of

MOST_BYTES: Final = 65_536
MOST_DEPTH: Final = 32
MOST_MISTAKES: Final = 20


def mistake_in(schema: Mapping[str, Any]) -> str | None:
    """Why this is no JSON Schema (2020-12) that can be used, or None.

    It may refer to its own parts alone, and its patterns are those that take linear time.
    """
    if _too_deep(schema):
        return f"is nested deeper than {MOST_DEPTH} levels"
    try:
        written = orjson.dumps(schema)
    except (TypeError, ValueError):
        return "is not JSON"
    if len(written) > MOST_BYTES:
        return "is longer than 64 KiB"
    try:
        validator_of(schema, only_2020=True)
    except ValueError as error:
        return f"is no JSON Schema (2020-12): {_first_line(error)}"
    return None


def _always(_: Any) -> bool:
    return True


def mistakes(
    schema: Mapping[str, Any],
    value: Any,
    pointer: str,
    *,
    told: Callable[[Any], bool] = _always,
) -> list[FieldError]:
    """What a value has wrong by a schema; the schema must be one.

    `told` says of an error, as `iter_errors` gives it, whether it is one of them.
    """
    found = []
    for error in filter(told, validator_of(schema, only_2020=True).iter_errors(value)):
        place = "".join(f"/{str(p).replace('~', '~0').replace('/', '~1')}"
                        for p in error.instance_path)  # fmt: skip
        code = f"schema_{kind_of(error)}"
        found.append(FieldError(f"{pointer}{place}", code, _first_line(error)))
        if len(found) == MOST_MISTAKES:
            break
    return found


def kind_of(error: Any) -> str:
    """The keyword that an error is about, in lower case: `required`, `minitems`."""
    return type(error.kind).__name__.removeprefix("ValidationErrorKind_").lower()


def part_of(schema: Mapping[str, Any], pointer: str) -> dict[str, Any]:
    """A part of a schema (2020-12) as one by itself; what it refers to stays where it is."""
    name = schema.get("$id", "urn:luminous:schema")
    whole = {key: value for key, value in schema.items() if key != "$schema"} | {"$id": name}
    return {"$ref": f"{name}#{quote(pointer, safe='/~')}", "$defs": {"whole": whole}}


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:300]


def _too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MOST_DEPTH + 1):
        level = [child for node in level for child in _children(node)]
        if not level:
            return False
    return True


def _children(node: Any) -> list[Any]:
    if isinstance(node, Mapping):
        return list(node.values())
    return node if isinstance(node, list) else []
