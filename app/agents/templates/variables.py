"""The variables of a template: their schema, their defaults, and values that stand in for them."""

from collections.abc import Mapping
from typing import Any, Final

from app.agents.definitions.json_schemas import mistake_in, mistakes
from app.core.errors import FieldError

NOTHING: Final[dict[str, Any]] = {"type": "object", "properties": {}}
_STAND_INS: Final[dict[str, Any]] = {
    "string": "text", "integer": 1, "number": 1, "boolean": True, "array": [], "object": {},
    "null": None,
}  # fmt: skip


def wrong_with(schema: Mapping[str, Any], pointer: str) -> list[FieldError]:
    """What keeps a schema from being one of variables, its defaults among it."""

    def told(detail: str, place: str = "") -> list[FieldError]:
        return [FieldError(pointer + place, "template_invalid", detail)]

    if (mistake := mistake_in(schema)) is not None:
        return told(mistake)
    if schema.get("type") != "object":
        return told('must have `"type": "object"`', "/type")
    properties = schema.get("properties", {})
    wrong = [
        each
        for name in properties
        if not name.isidentifier()
        for each in told("must be a name of letters, digits and _", f"/properties/{name}")
    ]
    for name, default in defaults_of(schema).items():
        # Where a schema refers to its own parts, only the whole of it says what fits.
        whole = {**schema, "required": []}
        found = mistakes(whole, {name: default}, "")
        wrong += [
            each for error in found for each in told(error.detail, f"/properties/{name}/default")
        ]
    return wrong


def declared(schema: Mapping[str, Any]) -> set[str]:
    return set(schema.get("properties", {}))


def defaults_of(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: rule["default"]
        for name, rule in schema.get("properties", {}).items()
        if isinstance(rule, dict) and "default" in rule
    }


def filled(
    schema: Mapping[str, Any], given: Mapping[str, Any], pointer: str
) -> tuple[dict[str, Any], list[FieldError]]:
    """The given values with the defaults of those left out, and what they have wrong.

    A missing one and one that is not declared have their own codes: `variable_missing` and
    `variable_undeclared`, at the place where they would be.
    """
    known = declared(schema)
    wrong = [
        FieldError(f"{pointer}/{name}", "variable_undeclared", f"`{name}` is no variable of it")
        for name in given
        if name not in known
    ]
    values = {**defaults_of(schema), **{k: v for k, v in given.items() if k in known}}
    missing = [name for name in schema.get("required", ()) if name not in values]
    wrong += [
        FieldError(f"{pointer}/{name}", "variable_missing", f"`{name}` has no value and no default")
        for name in missing
    ]
    whole = {key: value for key, value in schema.items() if key != "required"}
    return values, wrong + mistakes(whole, values, pointer)


def stand_ins(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A value for every variable: its default, else its first example or choice, else any."""
    return {name: _stand_in(rule) for name, rule in schema.get("properties", {}).items()}


def _stand_in(rule: Any) -> Any:
    if not isinstance(rule, dict):
        return "text"
    if "default" in rule:
        return rule["default"]
    for key in ("examples", "enum"):
        if isinstance(rule.get(key), list) and rule[key]:
            return rule[key][0]
    if "const" in rule:
        return rule["const"]
    kind = rule.get("type", "string")
    return _STAND_INS.get(kind[0] if isinstance(kind, list) and kind else str(kind), "text")
