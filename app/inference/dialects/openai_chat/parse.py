"""A Chat Completions request as a canonical one, for providers of another dialect."""

from typing import Any, Final, get_args

from app.inference.dialects.ask import optional, wrong_type
from app.inference.dialects.errors import RequestInvalid, UnsupportedParameter
from app.inference.dialects.openai_chat.parse_messages import parse_messages, text
from app.inference.integrations.directory import Target
from app.inference.providers.types import (
    ChatRequest,
    Effort,
    NamedTool,
    ResponseFormat,
    ToolChoice,
    ToolSpec,
)

TRANSLATED: Final = frozenset(
    {
        "model", "messages", "stream", "stream_options", "tools", "tool_choice",
        "parallel_tool_calls", "response_format", "temperature", "top_p", "max_tokens",
        "max_completion_tokens", "stop", "seed", "reasoning_effort", "user",
    }
)  # fmt: skip
# What these say is what happens without them, so nothing is lost.
NEUTRAL: Final[dict[str, tuple[object, ...]]] = {
    "n": (1,),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "logit_bias": ({},),
    "metadata": ({},),
    "modalities": (["text"],),
    "service_tier": ("auto", "default"),
    "store": (False,),
}
DIALECT_OF_BYTES: Final = "openai_chat"
EFFORTS: Final[tuple[Effort, ...]] = get_args(Effort)


def parse_request(document: dict[str, Any], target: Target) -> ChatRequest:
    """Raises RequestInvalid, and UnsupportedParameter for what the provider has no words for."""
    unknown = {
        name: value
        for name, value in document.items()
        if name not in TRANSLATED and value is not None and value not in NEUTRAL.get(name, ())
    }
    if unknown and target.endpoint.dialect != DIALECT_OF_BYTES:
        raise UnsupportedParameter(next(iter(unknown))[:100])
    return ChatRequest(
        model=target.model,
        messages=parse_messages(document["messages"]),
        tools=tuple(
            parse_tool(tool, f"tools[{at}]")
            for at, tool in enumerate(optional(document, "tools", list, "an array") or ())
        ),
        tool_choice=parse_choice(document.get("tool_choice")),
        parallel_tool_calls=optional(document, "parallel_tool_calls", bool, "a boolean"),
        response_format=parse_format(optional(document, "response_format", dict, "an object")),
        temperature=number(document, "temperature", 2),
        top_p=number(document, "top_p", 1),
        max_output_tokens=limit(document),
        stop=parse_stop(document.get("stop")),
        seed=integer(document, "seed", -(2**63)),
        reasoning_effort=parse_effort(document.get("reasoning_effort")),
        user=optional(document, "user", str, "a string"),
        extra=unknown,
    )


def number(document: dict[str, Any], name: str, most: float) -> float | None:
    value = document.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong_type(name, "a decimal")
    if not 0 <= value <= most:
        said = f"Invalid '{name}': expected a value from 0 to {most:g}."
        raise RequestInvalid(said, param=name, label="decimal_out_of_range")
    return value


def integer(document: dict[str, Any], name: str, least: int) -> int | None:
    value = document.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong_type(name, "an integer")
    if not least <= value < 2**63:
        said = f"Invalid '{name}': integer out of range; the least is {least}."
        raise RequestInvalid(said, param=name, label="integer_out_of_range")
    return value


def limit(document: dict[str, Any]) -> int | None:
    found = integer(document, "max_completion_tokens", 1)
    return found if found is not None else integer(document, "max_tokens", 1)


def parse_stop(value: Any) -> tuple[str, ...]:
    stops = [value] if isinstance(value, str) else value
    if stops is None:
        return ()
    if not isinstance(stops, list) or not all(isinstance(stop, str) for stop in stops):
        raise wrong_type("stop", "a string or an array of strings")
    return tuple(stops)


def parse_effort(value: Any) -> Effort | None:
    for effort in EFFORTS:
        if value == effort:
            return effort
    if value is None:
        return None
    said = f"Invalid 'reasoning_effort': expected one of {', '.join(EFFORTS)}."
    raise RequestInvalid(said, param="reasoning_effort", label="invalid_value")


def parse_tool(tool: Any, at: str) -> ToolSpec:
    if not isinstance(tool, dict):
        raise wrong_type(at, "an object")
    if tool.get("type", "function") != "function":
        raise UnsupportedParameter(f"{at}.type", "must be 'function' with this model.")
    function = tool.get("function")
    if not isinstance(function, dict):
        raise wrong_type(f"{at}.function", "an object")
    within = f"{at}.function."
    return ToolSpec(
        name=text(function.get("name"), within + "name"),
        description=optional(function, "description", str, "a string", within) or "",
        parameters=optional(function, "parameters", dict, "an object", within)
        or {"type": "object", "properties": {}},
        strict=bool(optional(function, "strict", bool, "a boolean", within)),
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
            return parse_schema((wanted or {}).get("json_schema"))
    raise UnsupportedParameter("response_format.type")


def parse_schema(described: Any) -> ResponseFormat:
    at = "response_format.json_schema"
    if not isinstance(described, dict):
        raise wrong_type(at, "an object")
    strict = optional(described, "strict", bool, "a boolean", at + ".")
    return ResponseFormat(
        "json_schema",
        name=text(described.get("name"), at + ".name"),
        schema=optional(described, "schema", dict, "an object", at + ".") or {"type": "object"},
        strict=True if strict is None else strict,
    )
