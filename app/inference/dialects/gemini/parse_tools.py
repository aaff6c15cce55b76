"""The tools of a generateContent request, and which of them may be called."""

from dataclasses import dataclass, replace
from typing import Any, Final

from app.inference.dialects.checks import expect_known, invalid, mapping, rows, strings, text
from app.inference.dialects.errors import UnsupportedParameter
from app.inference.dialects.gemini.schema import json_schema
from app.inference.providers.types import NamedTool, ToolChoice, ToolSpec

TOOL_FIELDS: Final = frozenset({"name", "description", "parameters", "parametersJsonSchema"})
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
    # What it answers is told to the model only; no other dialect has a word for that.
    expect_known(row, TOOL_FIELDS, f"{at}.", TOOL_NEUTRAL)
    schema = mapping(row.get("parametersJsonSchema"), f"{at}.parametersJsonSchema")
    if not schema:
        described = mapping(row.get("parameters"), f"{at}.parameters")
        schema = json_schema(described, f"{at}.parameters")
    return ToolSpec(
        name=text(row.get("name"), f"{at}.name"),
        description=text(row.get("description") or "", f"{at}.description", empty=True),
        parameters=schema or {"type": "object", "properties": {}},
    )


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
