"""A Responses request as a canonical one, for an adapter."""

from typing import Any, Final

from app.inference.dialects.ask import optional, wrong_type
from app.inference.dialects.checks import expect_known, integer, number
from app.inference.dialects.errors import UnsupportedParameter
from app.inference.dialects.openai_chat.parse_parts import Whereto
from app.inference.dialects.openai_chat.parse_tools import FUNCTION_FIELDS, function_of, schema_of
from app.inference.dialects.openai_chat.read_values import metadata
from app.inference.dialects.openai_responses.parse_items import ItemReader
from app.inference.dialects.reasoning import effort
from app.inference.dialects.taken import expect_taken, takes
from app.inference.integrations.directory import Target
from app.inference.providers.types import (
    ChatRequest,
    Message,
    NamedTool,
    ResponseFormat,
    TextPart,
    ToolChoice,
    ToolSpec,
)

TRANSLATED: Final = frozenset(
    {
        "model", "input", "instructions", "stream", "tools", "tool_choice", "text", "reasoning",
        "max_output_tokens", "parallel_tool_calls", "include", "metadata", "temperature", "top_p",
        "top_logprobs", "user", "safety_identifier", "prompt_cache_key", "service_tier",
    }
)  # fmt: skip
# What these say is what happens without them. Nothing is stored, whether or not `store` is given.
NEUTRAL: Final[dict[str, tuple[object, ...]]] = {
    "background": (False,),
    "metadata": ({},),
    "prompt_cache_retention": ("in_memory",),
    "service_tier": ("auto", "default"),
    "store": (False,),
    "stream_options": ({}, {"include_obfuscation": False}),
    "top_logprobs": (0,),
    "truncation": ("disabled",),
}
LOGPROBS: Final = "message.output_text.logprobs"
# Reasoning is always given with its proof, so that asking for it changes nothing.
INCLUDABLE: Final = frozenset({"reasoning.encrypted_content", LOGPROBS})
OWN_NAMES: Final = {
    "logprobs": "include",
    "reasoning_effort": "reasoning.effort",
    "response_format": "text.format",
    "shows_reasoning": "reasoning.summary",
    "verbosity": "text.verbosity",
}
SUMMARIES: Final = ("auto", "concise", "detailed")
FAMILY: Final = "openai_chat"


def parse_request(document: dict[str, Any], target: Target) -> ChatRequest:
    """Raises RequestInvalid, and UnsupportedParameter for what the provider has no words for."""
    said = {
        name: value
        for name, value in document.items()
        if value is not None and value not in NEUTRAL.get(name, ())
    }
    for name in said:
        if name not in TRANSLATED:
            raise UnsupportedParameter(name[:100])
    reasoning = optional(said, "reasoning", dict, "an object") or {}
    written = optional(said, "text", dict, "an object") or {}
    expect_known(reasoning, {"effort", "summary", "generate_summary"}, "reasoning.")
    expect_known(written, {"format", "verbosity"}, "text.")
    request = ChatRequest(
        model=target.model,
        messages=parse_messages(said, target),
        tools=parse_tools(optional(said, "tools", list, "an array")),
        tool_choice=parse_choice(said.get("tool_choice")),
        parallel_tool_calls=optional(said, "parallel_tool_calls", bool, "a boolean"),
        response_format=parse_format(optional(written, "format", dict, "an object", "text.")),
        temperature=number(said.get("temperature"), "temperature", 0, 2),
        top_p=number(said.get("top_p"), "top_p", 0, 1),
        max_output_tokens=integer(said.get("max_output_tokens"), "max_output_tokens", 1),
        reasoning_effort=effort(reasoning.get("effort"), "reasoning.effort"),
        shows_reasoning=parse_summary(reasoning, target),
        user=end_user(said),
        verbosity=optional(written, "verbosity", str, "a string", "text."),
        service_tier=optional(said, "service_tier", str, "a string"),
        cache_key=optional(said, "prompt_cache_key", str, "a string"),
        metadata=metadata(said.get("metadata")),
        logprobs=parse_include(said.get("include")),
        top_logprobs=integer(said.get("top_logprobs"), "top_logprobs", 0, 20),
    )
    expect_taken(request, target, OWN_NAMES)
    return request


def parse_messages(said: dict[str, Any], target: Target) -> tuple[Message, ...]:
    whereto = Whereto(same_dialect=target.endpoint.dialect == FAMILY, target=target)
    messages = ItemReader(target, whereto).messages(said.get("input", []))
    instructions = optional(said, "instructions", str, "a string")
    if instructions:
        return (Message("system", (TextPart(instructions),)), *messages)
    return messages


def end_user(said: dict[str, Any]) -> str | None:
    newer = optional(said, "safety_identifier", str, "a string")
    older: str | None = optional(said, "user", str, "a string")
    return newer or older


def parse_tools(tools: list[Any] | None) -> tuple[ToolSpec, ...]:
    return tuple(parse_tool(tool, f"tools[{at}]") for at, tool in enumerate(tools or ()))


def parse_tool(tool: Any, at: str) -> ToolSpec:
    if not isinstance(tool, dict):
        raise wrong_type(at, "an object")
    if tool.get("type") != "function":
        # Custom tools, and those that OpenAI hosts, exist with OpenAI alone.
        raise UnsupportedParameter(f"{at}.type", "must be 'function' with this model.")
    expect_known(tool, FUNCTION_FIELDS | {"type"}, f"{at}.")
    return function_of(tool, at + ".")


def parse_choice(choice: Any) -> ToolChoice | None:
    match choice:
        case None | "auto" | "none" | "required":
            found: ToolChoice | None = choice
            return found
        case {"type": "function", "name": str(name)}:
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
            return schema_of(wanted or {}, "text.format")
    raise UnsupportedParameter("text.format.type")


def parse_summary(reasoning: dict[str, Any], target: Target) -> bool | None:
    """Whether reasoning is to be seen; `auto` wants it where there is any."""
    wanted = reasoning.get("summary") or reasoning.get("generate_summary")
    if wanted is None:
        return None
    if wanted not in SUMMARIES:
        raise wrong_type("reasoning.summary", f"one of {', '.join(SUMMARIES)}")
    endpoint = target.endpoint
    if wanted == "auto" and "shows_reasoning" not in takes(endpoint.kind, endpoint.base_url):
        return None
    return True


def parse_include(wanted: Any) -> bool | None:
    """Whether log probabilities are asked for, of all that can be included."""
    if wanted is None:
        return None
    if not isinstance(wanted, list):
        raise wrong_type("include", "an array of strings")
    for at, each in enumerate(wanted):
        if not isinstance(each, str) or each not in INCLUDABLE:
            raise UnsupportedParameter(f"include[{at}]")
    return True if LOGPROBS in wanted else None
