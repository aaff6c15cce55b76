"""Google's schemas as JSON schemas."""

from typing import Any, Final

from app.inference.dialects.ask import wrong_type
from app.inference.dialects.checks import mapping, rows
from app.inference.dialects.gemini.naming import camel

TYPES: Final = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})
# Numbers of 64 bits are strings in Google's JSON.
COUNTS: Final = frozenset({
    "minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties",
})  # fmt: skip
RENAMED: Final = {"ref": "$ref", "defs": "$defs"}


def json_schema(schema: dict[str, Any], at: str) -> dict[str, Any]:
    """Raises RequestInvalid; fields that both have in common stay as they are."""
    given = {camel(name): value for name, value in schema.items() if value is not None}
    nullable = given.pop("nullable", False)
    order = given.pop("propertyOrdering", None)
    made: dict[str, Any] = {}
    for name, value in given.items():
        made[RENAMED.get(name, name)] = translated(name, value, f"{at}.{name}")
    if "example" in made:
        made["examples"] = [made.pop("example")]
    if isinstance(order, list) and "properties" in made:
        made["properties"] = ordered(made["properties"], order)
    if nullable:
        made = with_null(made)
    return made


def translated(name: str, value: Any, at: str) -> Any:
    match name:
        case "type":
            return type_of(value, at)
        case "items" | "additionalProperties" if isinstance(value, dict):
            return json_schema(value, at)
        case "properties" | "defs":
            named = mapping(value, at)
            return {
                key: json_schema(mapping(held, at), f"{at}.{key}") for key, held in named.items()
            }
        case "anyOf":
            return [json_schema(row, f"{at}[{n}]") for n, row in enumerate(rows(value, at))]
    return int(value) if name in COUNTS and isinstance(value, str) and value.isdigit() else value


def type_of(value: Any, at: str) -> Any:
    if isinstance(value, list):
        return [type_of(item, at) for item in value]
    if not isinstance(value, str) or value.lower() not in TYPES:
        raise wrong_type(at, f"one of {', '.join(sorted(TYPES))}")
    return value.lower()


def ordered(properties: dict[str, Any], order: list[Any]) -> dict[str, Any]:
    first = {name: properties[name] for name in order if name in properties}
    return first | properties


def with_null(schema: dict[str, Any]) -> dict[str, Any]:
    if "type" not in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    made = schema | {"type": [*kinds, "null"]}
    return made | {"enum": [*made["enum"], None]} if "enum" in made else made
