"""The language and its surroundings, as briefly as a model needs them."""

import inspect
from collections.abc import Mapping
from typing import Any, Final

import orjson

from app.automation.generation.surroundings import Surroundings, Thing
from app.automation.nodes.node_type import NodeType
from app.core.json_bounds import with_bounds

DEEPEST: Final = 3
LONGEST: Final = 120
MOST_CHOICES: Final = 8
_KINDS: Final = {"string": "text", "object": "{…}", "array": "[…]"}

LANGUAGE: Final = """\
A definition is JSON: {"dsl": "flow/1", "inputs": a JSON Schema of what a run is started with,
"vars": constants, "nodes": [...], "edges": [...], "outputs": what the run gives, "settings": \
{timeout, budget_usd, max_steps}}. There is no other key.
- A node: {"id" (letters, digits, _; unique in the whole definition), "type", "with": its settings}
and, where they help, "name", "retry": {"max": 3, "delay": "5s"}, "timeout": "30s", "join": "all" \
or "any", "on_error": "continue". Durations are written 90s, 1h30m, 2d.
- An edge: {"from", "to", "port" ("out" where it is left out), "when": CEL}. Nodes without an edge
to them begin at once. Graphs have no cycles. A node that fails leaves by the port "error"; without
such an edge the run fails. A node that several branches lead to takes "join": "any".
- Texts in "with" and "outputs" are templates: "{{ CEL }}" alone is its typed value, within a text \
it is written as text. CEL sees inputs, vars, run, and nodes.<id>.output of nodes upstream alone. \
Fields marked (CEL) are an expression without braces. Prompts are Jinja: {{ inputs.x }}.
- map and loop hold a "body", try a "body" with "catch" and "finally", parallel "branches" by name;
each is {"nodes", "edges", "outputs"}. In a map's body `item` and `index` are seen, in a loop's \
`last` and `index`, in catch `error`.
"""


def told(around: Surroundings) -> str:
    """The language, the node types that are ready, and what of the workspace has a name."""
    types = "\n".join(_type(each) for each in around.types)
    things = "\n".join(_kind(kind, each) for kind, each in around.things.items())
    credentials = ", ".join(sorted(around.credentials)) or "none"
    return (
        f"{LANGUAGE}\nNode types (* is required; an example each):\n{types}\n\n"
        f"What there is in this workspace, and nothing else:\n{things}\n"
        f"credentials: {credentials}\n"
    )


def _type(node_type: NodeType[Any]) -> str:
    ports = ", ".join(sorted(node_type.ports_of(node_type.example.get("with", {}))))
    schema = with_bounds(node_type.config.model_json_schema())
    about = (inspect.getdoc(type(node_type)) or node_type.title).partition("\n")[0]
    lines = [
        f"## {node_type.name}: {node_type.title}. {about}",
        f"with {_fields(schema, schema.get('$defs', {}), 0)}; ports {ports}",
        f"e.g. {orjson.dumps(dict(node_type.example)).decode()}",
    ]
    for name, operation in schema.get("x-operations", {}).items():
        example = orjson.dumps(operation["example"]).decode()
        lines.append(f"- {name} ({operation['kind']}): {operation['title']}; options {example}")
    return "\n".join(lines)


def _fields(schema: Mapping[str, Any], known: Mapping[str, Any], depth: int) -> str:
    required = set(schema.get("required", ()))
    parts = []
    for name, each in schema.get("properties", {}).items():
        mark = "*" if name in required else ""
        cel = " (CEL)" if each.get("x-template") == "cel" else ""
        parts.append(f"{name}{mark}: {_form(each, known, depth)}{cel}")
    return f"{{{', '.join(parts)}}}"


def _form(schema: Mapping[str, Any], known: Mapping[str, Any], depth: int) -> str:
    """`text`, `a|b`, `[number]`, `{name*: text}`: what may stand there."""
    if reference := schema.get("$ref"):
        return _form(known.get(reference.rpartition("/")[2], {}), known, depth)
    if "const" in schema or "enum" in schema:
        choices = schema.get("enum") or [schema["const"]]
        return "|".join(str(each) for each in choices[:MOST_CHOICES])
    if options := schema.get("anyOf") or schema.get("oneOf"):
        forms = [_form(each, known, depth) for each in options if each.get("type") != "null"]
        return "|".join(dict.fromkeys(forms))
    if depth < DEEPEST and "properties" in schema:
        return _fields(schema, known, depth + 1)
    if depth < DEEPEST and isinstance(schema.get("items"), Mapping):
        return f"[{_form(schema['items'], known, depth + 1)}]"
    kind = schema.get("type", "any")
    return _KINDS.get(kind, kind) if isinstance(kind, str) else "any"


def _kind(kind: str, things: tuple[Thing, ...]) -> str:
    if not things:
        return f"{kind}: none"
    return "\n".join([f"{kind}:", *(_thing(each) for each in things)])


def _thing(thing: Thing) -> str:
    says = " ".join(thing.says.split())[:LONGEST]
    if thing.parameters is None:
        return f"- {thing.name}: {says}"
    return f"- {thing.name} {_fields(thing.parameters, {}, DEEPEST - 1)}: {says}"
