"""A canonical request as a Messages body."""

import re
from typing import Any, Final

from app.inference.providers.anthropic_messages.encode_blocks import (
    DIALECT,
    Block,
    cached,
    encode_messages,
    encode_system,
)
from app.inference.providers.codec import Unsupported
from app.inference.providers.types import (
    ChatRequest,
    Effort,
    NamedTool,
    ResponseFormat,
    ToolSpec,
)

DEFAULT_MAX_TOKENS: Final = 8192
OLD_MAX_TOKENS: Final = 4096
SMALLEST_BUDGET: Final = 1024
BUDGETS: Final[dict[Effort, int]] = {
    "minimal": SMALLEST_BUDGET,
    "low": 2048,
    "medium": 8192,
    "high": 16384,
    "xhigh": 24576,
    "max": 32000,
}
# Models up to 4.5 take a thinking budget; later ones decide by themselves, given an effort.
TAKES_BUDGET: Final = re.compile(r"claude-(3|(opus|sonnet|haiku)-4(-[0-5])?(-\d{8}|-latest|@|$))")
CHOICES: Final = {"auto": "auto", "required": "any", "none": "none"}
SERVICE_TIERS: Final = {"auto": "auto", "default": "standard_only"}


def encode_request(request: ChatRequest, *, streaming: bool) -> dict[str, Any]:
    body: dict[str, Any] = {
        **request.extra,
        "model": request.model,
        "messages": encode_messages(request.messages),
        "stream": streaming,
        **encode_output(request),
    }
    optional: dict[str, Any] = {
        "system": encode_system(request.messages),
        "tools": [encode_tool(tool) for tool in request.tools] or None,
        "tool_choice": encode_tool_choice(request),
        "temperature": request.temperature,
        "top_p": request.top_p,
        "top_k": request.top_k,
        "stop_sequences": list(request.stop) or None,
        "metadata": {"user_id": request.user} if request.user else None,
        "service_tier": encode_tier(request.service_tier),
    }
    body.update((name, value) for name, value in optional.items() if value is not None)
    return body


def encode_output(request: ChatRequest) -> dict[str, Any]:
    """`max_tokens`, `thinking` and `output_config`, which depend on one another."""
    config: dict[str, Any] = dict(request.extra.get("output_config") or {})
    if TAKES_BUDGET.match(request.model):
        output = encode_budget(request)
    else:
        output = {"max_tokens": request.max_output_tokens or DEFAULT_MAX_TOKENS}
        thinking, effort = encode_effort(request)
        if thinking is not None:
            output["thinking"] = thinking
        if effort is not None:
            config["effort"] = effort
    shows = request.shows_reasoning
    thinks = output.get("thinking", {}).get("type") in ("enabled", "adaptive")
    if thinks and shows is not None:
        output["thinking"]["display"] = "summarized" if shows else "omitted"
    if request.response_format is not None:
        config["format"] = encode_format(request.response_format)
    return output | ({"output_config": config} if config else {})


def encode_budget(request: ChatRequest) -> dict[str, Any]:
    """Thinking by a budget inside `max_tokens`; what an effort stands for gives way to a limit."""
    allowed = request.max_output_tokens
    default = OLD_MAX_TOKENS if request.model.startswith("claude-3-") else DEFAULT_MAX_TOKENS
    asked = budget_of(request)
    if asked is None:
        return {"max_tokens": allowed or default}
    if asked == 0:
        return {"max_tokens": allowed or default, "thinking": {"type": "disabled"}}
    budget = max(SMALLEST_BUDGET, asked)
    if allowed is None:
        allowed = budget + default
    elif allowed <= SMALLEST_BUDGET:
        raise Unsupported(
            f"reasoning needs `max_output_tokens` above {SMALLEST_BUDGET} on this model.",
            "max_output_tokens",
        )
    elif allowed <= budget:
        budget = max(SMALLEST_BUDGET, allowed // 2)
    return {"max_tokens": allowed, "thinking": {"type": "enabled", "budget_tokens": budget}}


def budget_of(request: ChatRequest) -> int | None:
    """How many tokens of thinking are asked for, at most; 0 for none, None where nobody said."""
    budget, effort = request.reasoning_budget, request.reasoning_effort
    if budget is not None and budget >= 0:
        return budget
    if effort == "none":
        return 0
    if effort is not None:
        return BUDGETS[effort]
    return None if budget is None else BUDGETS["medium"]


def encode_effort(request: ChatRequest) -> tuple[dict[str, Any] | None, str | None]:
    """`thinking`, and the effort of a model that decides by itself how long it thinks."""
    budget, effort = request.reasoning_budget, request.reasoning_effort
    if budget == 0 or effort == "none":
        return {"type": "disabled"}, None
    if effort is None and budget is not None and budget > 0:
        effort = next((name for name, most in BUDGETS.items() if budget <= most), "max")
    if effort is None and budget is None:
        return None, None
    return {"type": "adaptive"}, "low" if effort == "minimal" else effort


def encode_tier(tier: str | None) -> str | None:
    if tier is not None and tier not in SERVICE_TIERS:
        raise Unsupported(f"{DIALECT} has no `service_tier` {tier[:40]!r}.", "service_tier")
    return None if tier is None else SERVICE_TIERS[tier]


def encode_format(wanted: ResponseFormat) -> dict[str, Any]:
    if wanted.type == "json_object":
        raise Unsupported(
            f"{DIALECT} has no json_object format; give a json_schema.", "response_format"
        )
    return {"type": "json_schema", "schema": dict(wanted.schema or {"type": "object"})}


def encode_tool(tool: ToolSpec) -> Block:
    encoded: Block = {"name": tool.name, "input_schema": dict(tool.parameters)}
    if tool.description:
        encoded["description"] = tool.description
    return cached(encoded | {"strict": True} if tool.strict else encoded, tool.cache)


def encode_tool_choice(request: ChatRequest) -> dict[str, Any] | None:
    choice = request.tool_choice
    if isinstance(choice, NamedTool):
        encoded: dict[str, Any] = {"type": "tool", "name": choice.name}
    elif choice is not None:
        encoded = {"type": CHOICES[choice]}
    elif request.parallel_tool_calls is False and request.tools:
        encoded = {"type": "auto"}
    else:
        return None
    if request.parallel_tool_calls is False and encoded["type"] != "none":
        encoded["disable_parallel_tool_use"] = True
    return encoded
