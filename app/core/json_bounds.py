"""JSON Schema as Pydantic makes it, with the bounds of numbers in JSON Schema's words.

Of a number that has a validator of its own before it, Pydantic leaves them in its own.
"""

from typing import Any, Final

_BOUNDS: Final = {
    "ge": "minimum",
    "le": "maximum",
    "gt": "exclusiveMinimum",
    "lt": "exclusiveMaximum",
}


def with_bounds(schema: Any) -> Any:
    """A copy of a schema, or of what holds schemas."""
    if isinstance(schema, list):
        return [with_bounds(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    names = _BOUNDS if schema.get("type") in ("integer", "number") else {}
    return {names.get(key, key): with_bounds(each) for key, each in schema.items()}
