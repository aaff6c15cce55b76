"""What runs are started with: the defaults of a schema, and what can be said before a run."""

from collections.abc import Mapping
from typing import Any, Final

from app.agents.definitions.json_schemas import kind_of, mistakes
from app.automation.language.checks.form import value_at
from app.automation.language.templates import copied, holds_template
from app.core.errors import FieldError

# What lists and objects have wrong whatever the values in them are.
_OF_SHAPE: Final = frozenset(
    {"additionalproperties", "maxitems", "maxproperties", "minitems", "minproperties"}
    | {"propertynames", "required", "type"}
)


def with_defaults(schema: Mapping[str, Any] | None, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs, and what the schema says of those that are left out."""
    given = dict(inputs)
    properties = (schema or {}).get("properties")
    for name, told in properties.items() if isinstance(properties, Mapping) else ():
        if isinstance(told, Mapping) and "default" in told:
            given.setdefault(name, copied(told["default"]))
    return given


def sure_mistakes(
    schema: Mapping[str, Any], inputs: Mapping[str, Any], pointer: str
) -> list[FieldError]:
    """What templates of inputs have wrong whatever they give; the schema must be one."""
    given = with_defaults(schema, inputs)
    if not holds_template(given):
        return mistakes(schema, given, pointer)

    def is_sure(error: Any) -> bool:
        value = value_at(given, tuple(error.instance_path))
        if holds_template(value) and (isinstance(value, str) or kind_of(error) not in _OF_SHAPE):
            return False
        # Which of the two holds may be up to a template beside it.
        return {"then", "else"}.isdisjoint(error.schema_path)

    return mistakes(schema, given, pointer, told=is_sure)
