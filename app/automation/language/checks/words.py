"""What mistakes say to people who write their first definition: what to write instead."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from itertools import islice
from typing import Any, Final

from pydantic import BaseModel

from app.automation.language.marks import models_in
from app.automation.language.types import KnownTypes

_LONGEST: Final = 64
_FEW: Final = 10
_COMPARED: Final = 200
_EDGES: Final = "what follows a node is said by `edges`"
_WITH: Final = "what its type wants stands in `with`"
# What other languages call it.
_ELSEWHERE: Final = {
    **dict.fromkeys(("after", "depends_on", "needs", "next"), _EDGES),
    **dict.fromkeys(("args", "config", "input", "parameters", "params", "settings"), _WITH),
    "steps": "they are `nodes`",
}
_ROOTS: Final = {
    **dict.fromkeys(("None", "nil", "undefined"), "it is `null`"),
    "True": "it is `true`",
    "False": "it is `false`",
    **dict.fromkeys(("steps", "outputs"), "a node's output is `nodes.<id>.output`"),
    **dict.fromkeys(
        ("credentials", "env", "secrets"), "secrets are credentials, which a node names"
    ),
}
_OF_SCHEMAS: Final = frozenset(
    {
        *("$comment", "$defs", "$id", "$ref", "$schema", "additionalProperties", "allOf", "anyOf"),
        *("const", "default", "description", "enum", "examples", "if", "items", "not", "oneOf"),
        *("patternProperties", "properties", "required", "title", "type"),
    }
)
_ID: Final = (
    "must be letters, digits and `_` (no `-`), at most 64, and must not begin with a digit: "
    "expressions call it `nodes.<id>`"
)


def near(name: str, known: Iterable[str]) -> str:
    """`: did you mean …`, where one of the known names is much like it."""
    if len(name) > _LONGEST:
        return ""
    found = get_close_matches(name, [*islice(known, _COMPARED)], n=1, cutoff=0.65)
    return f": did you mean `{found[0]}`?" if found else ""


def of_root(name: str) -> str:
    """What a name at the beginning of an expression means elsewhere; nothing of most."""
    return f"; {_ROOTS[name]}" if name in _ROOTS else ""


def of_form(code: str, said: str, place: tuple[str | int, ...], model: type[BaseModel]) -> str:
    """A mistake of the form, in our words where Pydantic's say little."""
    if code == "extra_forbidden":
        fields = _fields_at(model, place[:-1])
        name = str(place[-1])
        if name in _ELSEWHERE and {"with", "nodes"} & fields:
            return f"there is no such field; {_ELSEWHERE[name]}"
        return f"there is no such field{near(name, sorted(fields)) or _of_few(fields)}"
    if code in ("model_type", "dict_type"):
        return "must be an object"
    if code == "string_pattern_mismatch" and place[-1:] in (("id",), ("from",), ("to",)):
        return _ID
    return said


def of_field(owner: Any, name: str, types: KnownTypes) -> str | None:
    """Of a field of a node that its type's settings have."""
    if not isinstance(owner, Mapping) or not isinstance(owner.get("type"), str):
        return None
    version = owner.get("v", 1)
    found = types.find(owner["type"], version) if isinstance(version, int) else None
    if found is None or name not in _fields_of(found.config):
        return None
    return f"there is no such field of a node: `{name}` of `{found.name}` stands in `with`"


def _of_few(names: frozenset[str]) -> str:
    told = ", ".join(f"`{each}`" for each in sorted(names))
    return f", but {told}" if 0 < len(names) <= _FEW else ""


def says_nothing(schema: Mapping[str, Any]) -> bool:
    """Whether a JSON Schema holds words, and none that is known: fields outside `properties`."""
    return bool(schema) and not schema.keys() & _OF_SCHEMAS


def takes_objects(schema: Mapping[str, Any]) -> bool:
    """Whether the kind that a JSON Schema asks for, if any, is an object."""
    kinds = schema.get("type", "object")
    return "object" in (kinds if isinstance(kinds, list) else [kinds])


def _fields_at(model: type[BaseModel], place: tuple[str | int, ...]) -> frozenset[str]:
    """The fields of what stands at a place; steps that are no fields are keys and positions."""
    models = [model]
    for step in place:
        below = [
            inner
            for each in models
            for name, field in each.model_fields.items()
            if (field.alias or name) == step
            for inner in models_in(field.annotation)
        ]
        models = below or models
    return frozenset().union(*map(_fields_of, models))


def _fields_of(model: type[BaseModel]) -> frozenset[str]:
    return frozenset(field.alias or name for name, field in model.model_fields.items())
