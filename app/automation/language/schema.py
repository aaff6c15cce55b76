"""One JSON Schema (2020-12) of the language and its node types' settings, for editors."""

from functools import lru_cache
from inspect import cleandoc
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from app.automation.language.flow import DSL, Flow
from app.automation.language.types import KnownType, KnownTypes
from app.core.json_bounds import with_bounds

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_TEMPLATE: Final = "Templated"
_SCOPES: Final = ("body", "catch", "finally", "branches")
_OPTIONAL: Final = frozenset({"catch", "finally"})
# What a string that holds a template need not satisfy.
_NARROW: Final = frozenset({"pattern", "format", "enum", "const"})

Schema = dict[str, Any]


@lru_cache(maxsize=4)
def language_schema(types: KnownTypes) -> Schema:
    """Of definitions with these node types; made once, and not to be changed."""
    known = list(types)
    models: list[type[BaseModel]] = [Flow, *dict.fromkeys(each.config for each in known)]
    placed, made = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/$defs/{model}"
    )
    parts: Schema = with_bounds(made["$defs"])
    names = {model: placed[model, "validation"]["$ref"].rpartition("/")[2] for model in models}
    _open_settings(parts, {names[model] for model in models[1:]})
    parts[_TEMPLATE] = {
        "type": "string",
        "pattern": r"\{\{",
        "description": "`{{ CEL }}`: one expression alone is its typed value.",
    }
    _tell_types(parts["Node"], known, names, _of_node)
    acting = [each for each in known if each.kind == "task"]
    _tell_types(parts["Compensation"], acting, names, _of_compensation)
    flow = parts.pop(names[Flow])
    return {
        "$schema": DIALECT,
        "$id": f"urn:luminous:{DSL.replace('/', ':')}",
        **flow,
        "title": f"A workflow ({DSL})",
        "examples": [_flow_of(each) for each in known],
        "$defs": dict(sorted(parts.items())),
    }


def _flow_of(node_type: KnownType) -> Schema:
    return {"dsl": DSL, "nodes": [dict(node_type.example)]}


def _tell_types(part: Schema, types: list[KnownType], names: dict[Any, str], told: Any) -> None:
    """Have a part's `type` say what its `with` holds."""
    if not types:
        return
    part["properties"]["type"] |= {"enum": sorted({each.name for each in types})}
    part["allOf"] = [
        {"if": _is_of(each), "then": told(each, f"#/$defs/{names[each.config]}")} for each in types
    ]


def _is_of(node_type: KnownType) -> Schema:
    required = ["type"] if node_type.version == 1 else ["type", "v"]
    of = {"type": {"const": node_type.name}, "v": {"const": node_type.version}}
    return {"properties": of, "required": required}


def _of_node(node_type: KnownType, settings: str) -> Schema:
    held = {name: {"type": "null"} for name in _SCOPES if name not in node_type.scopes}
    wanted = [*_wanted(node_type), *sorted(node_type.scopes - _OPTIONAL)]
    return {
        "title": node_type.title,
        "description": cleandoc(type(node_type).__doc__ or node_type.title),
        "properties": {"with": {"$ref": settings}, **held},
        "required": wanted,
        "examples": [dict(node_type.example)],
    }


def _of_compensation(node_type: KnownType, settings: str) -> Schema:
    return {
        "title": node_type.title,
        "properties": {"with": {"$ref": settings}},
        "required": _wanted(node_type),
    }


def _wanted(node_type: KnownType) -> list[str]:
    needs = any(field.is_required() for field in node_type.config.model_fields.values())
    return ["with"] if needs else []


def _open_settings(parts: Schema, names: set[str]) -> None:
    """Let a template stand for any value of these settings, and of those within them."""
    done: set[str] = set()
    while names - done:
        name = min(names - done)
        done.add(name)
        part = parts[name]
        names |= _referred(part)
        if "properties" in part:
            part["properties"] = {key: _opened(each) for key, each in part["properties"].items()}


def _referred(value: Any) -> set[str]:
    if isinstance(value, dict):
        found = set().union(*(_referred(each) for each in value.values()))
        reference = value.get("$ref")
        return found | {reference.rpartition("/")[2]} if isinstance(reference, str) else found
    return set().union(*map(_referred, value)) if isinstance(value, list) else set()


def _opened(schema: Any) -> Any:
    """A schema that a string with a template satisfies too, and so in its parts."""
    if not isinstance(schema, dict) or "x-template" in schema:
        return schema
    within = {key: each for key, each in schema.items() if key in ("description", "default")}
    inner = _with_open_parts({key: each for key, each in schema.items() if key not in within})
    if _takes_templates(inner):
        return {**inner, **within}
    options = inner.pop("anyOf", None) if inner.keys() == {"anyOf"} else None
    return {"anyOf": [*(options or [inner]), {"$ref": f"#/$defs/{_TEMPLATE}"}], **within}


def _with_open_parts(schema: Schema) -> Schema:
    opened = dict(schema)
    for key in ("items", "additionalProperties"):
        if key in opened:
            opened[key] = _opened(opened[key])
    for key in ("anyOf", "oneOf"):
        if key in opened:
            opened[key] = [_with_open_parts(each) for each in opened[key]]
    return opened


def _takes_templates(schema: Schema) -> bool:
    if not schema.keys() & {"type", "$ref", "anyOf", "oneOf", "enum", "const", "allOf"}:
        return True
    return schema.get("type") == "string" and not schema.keys() & _NARROW
