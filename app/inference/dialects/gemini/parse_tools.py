"""The tools of a generateContent request, and which of them may be called."""

from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from app.inference.dialects.checks import expect_known, invalid, mapping, rows, strings, text
from app.inference.dialects.errors import UnsupportedParameter
from app.inference.dialects.gemini.schema import json_schema
from app.inference.providers.types import NamedTool, ToolChoice, ToolSpec

TOOL_FIELDS: Final = frozenset({
    "name", "description", "parameters", "parametersJsonSchema", "response", "responseJsonSchema",
})  # fmt: skip
TOOL_NEUTRAL: Final[dict[str, tuple[object, ...]]] = {
    "behavior": ("UNSPECIFIED", "BLOCKING"),
}
# Tools of Google's whose answers are text and its sources; others answer in parts of their own.
SOURCES: Final = frozenset({
    "googleSearch", "googleSearchRetrieval", "urlContext", "googleMaps", "fileSearch",
})  # fmt: skip
CHOICE_FIELDS: Final = frozenset({"mode", "allowedFunctionNames"})
CHOICE_NEUTRAL: Final[dict[str, tuple[object, ...]]] = {"streamFunctionCallArguments": (False,)}
UNSAID: Final = (None, "MODE_UNSPECIFIED", "AUTO")


@dataclass(frozen=True, slots=True)
class Tools:
    """`own` are Google's own tools, as they were given."""

    specs: tuple[ToolSpec, ...] = ()
    choice: ToolChoice | None = None
    own: tuple[dict[str, Any], ...] = ()


def parse_tools(given: Any, config: Any, *, same: bool) -> Tools:
    """Tools and `functionCallingConfig`; `same` tells that the provider is of the dialect."""
    specs: list[ToolSpec] = []
    own: list[dict[str, Any]] = []
    for number, tool in enumerate(rows(given, "tools")):
        declared = rows(tool.get("functionDeclarations"), f"tools[{number}].functionDeclarations")
        for at, row in enumerate(declared):
            specs.append(parse_tool(row, f"tools[{number}].functionDeclarations[{at}]"))
        rest = {n: v for n, v in tool.items() if n != "functionDeclarations" and v is not None}
        for name in rest:
            if not same or name not in SOURCES:
                raise UnsupportedParameter(f"tools[{number}].{name[:100]}")
        own += [rest] if rest else []
    return choose(Tools(tuple(specs), own=tuple(own)), config)


def parse_tool(row: dict[str, Any], at: str) -> ToolSpec:
    expect_known(row, TOOL_FIELDS, f"{at}.", TOOL_NEUTRAL)
    return ToolSpec(
        name=text(row.get("name"), f"{at}.name"),
        description=described(row, at),
        parameters=schema_of(row, "parameters", at) or {"type": "object", "properties": {}},
    )


def described(row: dict[str, Any], at: str) -> str:
    """Its description, with what it answers: no other dialect has a place of its own for that."""
    said = text(row.get("description") or "", f"{at}.description", empty=True)
    answer = schema_of(row, "response", at)
    told = f"Its answer has this JSON schema: {orjson.dumps(answer).decode()}" if answer else ""
    return "\n\n".join(part for part in (said, told) if part)


def schema_of(row: dict[str, Any], name: str, at: str) -> dict[str, Any]:
    """A schema in JSON's words or in Google's own; empty where there is none."""
    given = mapping(row.get(f"{name}JsonSchema"), f"{at}.{name}JsonSchema")
    return given or json_schema(mapping(row.get(name), f"{at}.{name}"), f"{at}.{name}")


def choose(tools: Tools, value: Any) -> Tools:
    """Apply a mode; where some functions are allowed, the others are not offered."""
    at = "toolConfig.functionCallingConfig"
    config = mapping(value, at)
    expect_known(config, CHOICE_FIELDS, f"{at}.", CHOICE_NEUTRAL)
    mode = config.get("mode")
    allowed = strings(config.get("allowedFunctionNames"), f"{at}.allowedFunctionNames")
    if len(allowed) > 1:
        tools = replace(tools, specs=tuple(spec for spec in tools.specs if spec.name in allowed))
    match mode:
        case "NONE":
            return replace(tools, choice="none")
        case "ANY" if len(allowed) == 1:
            return replace(tools, choice=NamedTool(allowed[0]))
        case "ANY":
            return replace(tools, choice="required")
        case "VALIDATED":
            return replace(tools, specs=tuple(replace(s, strict=True) for s in tools.specs))
    if mode not in UNSAID or allowed:
        raise invalid(f"{at}.mode", "expected AUTO, ANY, NONE or VALIDATED, names with ANY only")
    return replace(tools, choice="auto" if mode == "AUTO" else None)
