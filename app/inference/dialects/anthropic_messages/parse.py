"""A Messages request as a canonical one, for providers of another dialect."""

from dataclasses import dataclass
from typing import Any, Final

from app.inference.dialects.anthropic_messages.parse_blocks import (
    NAME,
    parse_messages,
    parse_system,
)
from app.inference.dialects.anthropic_messages.sources import cache_hint
from app.inference.dialects.ask import wrong_type
from app.inference.dialects.checks import (
    expect_known,
    flag,
    integer,
    invalid,
    mapping,
    number,
    optional_text,
    rows,
    strings,
    text,
    unknown_of,
)
from app.inference.dialects.errors import UnsupportedParameter
from app.inference.dialects.reasoning import effort, says_something
from app.inference.dialects.taken import expect_taken
from app.inference.integrations.directory import Target
from app.inference.providers.types import (
    ChatRequest,
    Effort,
    Message,
    NamedTool,
    ResponseFormat,
    ToolChoice,
    ToolSpec,
)

TRANSLATED: Final = frozenset({
    "model", "messages", "max_tokens", "system", "stream", "metadata", "stop_sequences",
    "temperature", "top_p", "top_k", "thinking", "tools", "tool_choice", "service_tier",
    "output_config", "output_format", "cache_control",
})  # fmt: skip
# What these say is what happens without them, so nothing is lost.
NEUTRAL: Final[dict[str, tuple[object, ...]]] = {
    "speed": ("standard",),
    "mcp_servers": ([],),
    "context_management": ({}, {"edits": []}),
    "inference_geo": ("global",),
}
# What makes Anthropic answer in blocks that no event of ours can tell of.
OWN_BLOCKS: Final = frozenset({"mcp_servers", "container"})
# What Anthropic keeps of a conversation, neither we can read nor guardrails can check.
KEPT: Final = frozenset({"thread"})
TOOL_FIELDS: Final = frozenset({
    "type", "name", "description", "input_schema", "strict", "cache_control",
})  # fmt: skip
# Arguments come piece by piece from every provider that can do it.
TOOL_NEUTRAL: Final[dict[str, tuple[object, ...]]] = {
    "allowed_callers": (["direct"], []),
    "defer_loading": (False,),
    "eager_input_streaming": (True, False),
    "input_examples": ([],),
}
OWN_NAMES: Final = {
    "max_output_tokens": "max_tokens",
    "user": "metadata.user_id",
    "stop": "stop_sequences",
    "reasoning_effort": "output_config.effort",
    "reasoning_budget": "thinking.budget_tokens",
    "shows_reasoning": "thinking.display",
    "parallel_tool_calls": "tool_choice.disable_parallel_tool_use",
    "response_format": "output_config.format",
}
DEFAULT_TIER: Final = "standard_only"


@dataclass(frozen=True, slots=True)
class Thinking:
    effort: Effort | None = None
    budget: int | None = None
    shown: bool | None = None


def parse_request(document: dict[str, Any], target: Target) -> ChatRequest:
    """Raises RequestInvalid, and UnsupportedParameter for what the provider has no words for."""
    extra = parse_extra(document, target)
    config = mapping(document.get("output_config"), "output_config")
    expect_known(config, frozenset({"effort", "format"}), "output_config.")
    thinking = parse_thinking(
        document.get("thinking"), effort(config.get("effort"), "output_config.effort")
    )
    if not says_something(thinking.effort, thinking.budget, target):
        thinking = Thinking()
    hint = cache_hint(document.get("cache_control"), "cache_control")
    messages = parse_messages(document.get("messages"), hint, target)
    expect_a_question(messages, target)
    metadata = mapping(document.get("metadata"), "metadata")
    expect_known(metadata, frozenset({"user_id"}), "metadata.")
    user = optional_text(metadata.get("user_id"), "metadata.user_id")
    choice = mapping(document.get("tool_choice"), "tool_choice")
    request = ChatRequest(
        model=target.model,
        messages=(*parse_system(document.get("system")), *messages),
        tools=tuple(
            parse_tool(tool, f"tools.{at}")
            for at, tool in enumerate(rows(document.get("tools"), "tools"))
        ),
        tool_choice=parse_choice(choice),
        parallel_tool_calls=parse_parallel(choice),
        response_format=parse_format(document, config),
        temperature=number(document.get("temperature"), "temperature", 0, 1),
        top_p=number(document.get("top_p"), "top_p", 0, 1),
        top_k=integer(document.get("top_k"), "top_k", 0),
        max_output_tokens=integer(document.get("max_tokens"), "max_tokens", 1),
        stop=strings(document.get("stop_sequences"), "stop_sequences"),
        reasoning_effort=thinking.effort,
        reasoning_budget=thinking.budget,
        shows_reasoning=thinking.shown,
        service_tier=parse_tier(document.get("service_tier")),
        user=user,
        extra=extra,
    )
    expect_taken(request, target, OWN_NAMES)
    return request


def parse_extra(document: dict[str, Any], target: Target) -> dict[str, Any]:
    """What only Anthropic understands, which goes there as it is."""
    unknown = unknown_of(document, TRANSLATED, NEUTRAL)
    foreign = unknown if target.endpoint.dialect != NAME else unknown.keys() & (OWN_BLOCKS | KEPT)
    for name in foreign:
        raise UnsupportedParameter(name[:100])
    return unknown


def expect_a_question(messages: tuple[Message, ...], target: Target) -> None:
    """Other dialects answer a beginning of the answer as if it were a turn of its own."""
    if target.endpoint.dialect != NAME and messages and messages[-1].role == "assistant":
        told = "may not end with words of the assistant's with this model."
        raise UnsupportedParameter("messages", told)


def parse_thinking(value: Any, effort: Effort | None) -> Thinking:
    wanted = mapping(value, "thinking")
    expect_known(wanted, frozenset({"type", "budget_tokens", "display"}), "thinking.")
    shown = parse_display(wanted.get("display"))
    match wanted.get("type"):
        case None if not wanted:
            return Thinking(effort)
        case "disabled":
            return Thinking("none")
        case "adaptive":
            return Thinking(effort, budget=-1, shown=shown)
        case "enabled":
            budget = integer(wanted.get("budget_tokens"), "thinking.budget_tokens", 1024)
            if budget is None:
                text(None, "thinking.budget_tokens")
            return Thinking(effort, budget, shown)
        case str(kind):
            told = f"'{kind[:40]}' is not supported with this model."
            raise UnsupportedParameter("thinking.type", told)
    raise wrong_type("thinking.type", "a string")


def parse_display(value: Any) -> bool | None:
    shown = {None: None, "summarized": True, "omitted": False}
    if not isinstance(value, str | None) or value not in shown:
        raise invalid("thinking.display", "expected 'summarized' or 'omitted'")
    return shown[value]


def parse_tier(value: Any) -> str | None:
    """`auto` is what happens where nobody says."""
    if value in (None, "auto"):
        return None
    if value != DEFAULT_TIER:
        raise invalid("service_tier", "expected 'auto' or 'standard_only'")
    return "default"


def parse_tool(tool: dict[str, Any], at: str) -> ToolSpec:
    if tool.get("type") not in (None, "custom"):
        told = f"'{str(tool['type'])[:40]}' is not supported with this model."
        raise UnsupportedParameter(f"{at}.type", told)
    expect_known(tool, TOOL_FIELDS, f"{at}.", TOOL_NEUTRAL)
    schema = mapping(tool.get("input_schema"), f"{at}.input_schema")
    return ToolSpec(
        name=text(tool.get("name"), f"{at}.name"),
        description=text(tool.get("description") or "", f"{at}.description", empty=True),
        parameters=schema or {"type": "object", "properties": {}},
        strict=bool(flag(tool.get("strict"), f"{at}.strict")),
        cache=cache_hint(tool.get("cache_control"), f"{at}.cache_control"),
    )


def parse_choice(choice: dict[str, Any]) -> ToolChoice | None:
    expect_known(choice, frozenset({"type", "name", "disable_parallel_tool_use"}), "tool_choice.")
    match choice:
        case {"type": "auto"}:
            return "auto"
        case {"type": "any"}:
            return "required"
        case {"type": "none"}:
            return "none"
        case {"type": "tool"}:
            return NamedTool(text(choice.get("name"), "tool_choice.name"))
    if choice:
        raise invalid("tool_choice.type", "expected 'auto', 'any', 'tool' or 'none'")
    return None


def parse_parallel(choice: dict[str, Any]) -> bool | None:
    at = "tool_choice.disable_parallel_tool_use"
    serial = flag(choice.get("disable_parallel_tool_use"), at)
    return False if serial else None


def parse_format(document: dict[str, Any], config: dict[str, Any]) -> ResponseFormat | None:
    """The schema of the answer, at its place of today or of the beta before it."""
    name = "output_format" if document.get("output_format") is not None else "output_config.format"
    wanted = mapping(document.get("output_format") or config.get("format"), name)
    if not wanted:
        return None
    if wanted.get("type") != "json_schema":
        raise UnsupportedParameter(f"{name}.type", "must be 'json_schema'.")
    expect_known(wanted, frozenset({"type", "schema"}), f"{name}.")
    if wanted.get("schema") is None:
        text(None, f"{name}.schema")
    return ResponseFormat("json_schema", schema=mapping(wanted["schema"], f"{name}.schema"))
