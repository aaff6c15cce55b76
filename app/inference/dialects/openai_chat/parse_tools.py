"""Tools, the choice among them, and the form of the answer, as canonical ones."""

from typing import Any

from app.inference.dialects.ask import optional, wrong_type
from app.inference.dialects.checks import expect_known, text
from app.inference.dialects.errors import UnsupportedParameter
from app.inference.dialects.openai_chat.read_values import cache_hint
from app.inference.providers.types import NamedTool, ResponseFormat, ToolChoice, ToolSpec

FUNCTION_FIELDS = frozenset({"name", "description", "parameters", "strict"})
HINTS = frozenset({"cache_control", "prompt_cache_breakpoint"})
SCHEMA_FIELDS = frozenset({"type", "name", "description", "schema", "strict"})


def parse_tools(tools: list[Any] | None) -> tuple[ToolSpec, ...]:
    return tuple(parse_tool(tool, f"tools[{at}]") for at, tool in enumerate(tools or ()))


def parse_tool(tool: Any, at: str) -> ToolSpec:
    if not isinstance(tool, dict):
        raise wrong_type(at, "an object")
    if tool.get("type", "function") != "function":
        raise UnsupportedParameter(f"{at}.type", "must be 'function' with this model.")
    expect_known(tool, HINTS | {"type", "function"}, f"{at}.")
    function = tool.get("function")
    if not isinstance(function, dict):
        raise wrong_type(f"{at}.function", "an object")
    expect_known(function, FUNCTION_FIELDS, f"{at}.function.")
    return function_of(function, f"{at}.function.", cache_hint(tool, at))


def function_of(function: dict[str, Any], within: str, hint: Any = None) -> ToolSpec:
    """A function as both of OpenAI's dialects describe it."""
    return ToolSpec(
        name=text(function.get("name"), within + "name"),
        description=optional(function, "description", str, "a string", within) or "",
        parameters=optional(function, "parameters", dict, "an object", within)
        or {"type": "object", "properties": {}},
        strict=bool(optional(function, "strict", bool, "a boolean", within)),
        cache=hint,
    )


def parse_choice(choice: Any) -> ToolChoice | None:
    match choice:
        case None | "auto" | "none" | "required":
            found: ToolChoice | None = choice
            return found
        case {"type": "function", "function": {"name": str(name)}}:
            return NamedTool(name)
        case {"type": str(kind)} if kind != "function":
            raise UnsupportedParameter("tool_choice.type", "must be 'function' with this model.")
    raise wrong_type("tool_choice", "'auto', 'none', 'required' or a named function")


def parse_format(wanted: dict[str, Any] | None) -> ResponseFormat | None:
    match (wanted or {}).get("type", "text"):
        case "text":
            return None
        case "json_object":
            return ResponseFormat("json_object")
        case "json_schema":
            described = (wanted or {}).get("json_schema")
            if not isinstance(described, dict):
                raise wrong_type("response_format.json_schema", "an object")
            return schema_of(described, "response_format.json_schema")
    raise UnsupportedParameter("response_format.type")


def schema_of(described: dict[str, Any], at: str) -> ResponseFormat:
    """A JSON schema with its name; its description goes on in the schema itself."""
    expect_known(described, SCHEMA_FIELDS, f"{at}.")
    strict = optional(described, "strict", bool, "a boolean", at + ".")
    schema = optional(described, "schema", dict, "an object", at + ".") or {"type": "object"}
    description = optional(described, "description", str, "a string", at + ".")
    if description:
        schema = {"description": description} | schema
    return ResponseFormat(
        "json_schema",
        name=text(described.get("name"), at + ".name"),
        schema=schema,
        strict=bool(strict),
    )
