"""A canonical request as a Chat Completions body."""

from dataclasses import dataclass
from typing import Any, Literal

from app.inference.providers.codec import Unsupported
from app.inference.providers.openai_chat.encode_messages import encode_messages
from app.inference.providers.types import (
    ChatRequest,
    Effort,
    NamedTool,
    ResponseFormat,
    ToolChoice,
    ToolSpec,
)

# The most tokens of a reasoning budget that an effort stands for; more is high.
EFFORT_OF_BUDGET: tuple[tuple[int, Effort], ...] = ((0, "none"), (2048, "low"), (8192, "medium"))
# What other dialects call the tier that is nothing special.
TIERS = {"standard": "default", "standard_only": "default"}


@dataclass(frozen=True, slots=True)
class Wording:
    """Which names a server has for the same things; None where it has none."""

    max_tokens: Literal["max_completion_tokens", "max_tokens"] = "max_tokens"
    seed: Literal["seed", "random_seed"] = "seed"
    user: Literal["user"] | None = "user"
    cache_key: Literal["prompt_cache_key"] | None = "prompt_cache_key"
    asks_for_usage: bool = True
    # DeepSeek wants the reasoning behind a tool call back; others refuse or ignore it.
    returns_reasoning: bool = False


def encode_request(request: ChatRequest, wording: Wording, *, streaming: bool) -> dict[str, Any]:
    if request.extra.get("n") not in (None, 1):
        raise Unsupported("more than one choice (`n`) is not supported.", "n")
    messages = encode_messages(request.messages, returns_reasoning=wording.returns_reasoning)
    body: dict[str, Any] = {
        **request.extra,
        "model": request.model,
        "messages": messages,
        "stream": streaming,
    }
    if streaming and wording.asks_for_usage:
        body["stream_options"] = {"include_usage": True}
    else:
        body.pop("stream_options", None)
    if request.tools:
        body["tools"] = [encode_tool(tool) for tool in request.tools]
    options = sampling(request) | {
        "tool_choice": encode_tool_choice(request.tool_choice),
        "parallel_tool_calls": request.parallel_tool_calls,
        "response_format": encode_format(request.response_format),
        "reasoning_effort": encode_effort(request),
        "verbosity": request.verbosity,
        "service_tier": TIERS.get(request.service_tier or "", request.service_tier),
        "metadata": dict(request.metadata) if request.metadata else None,
        wording.max_tokens: request.max_output_tokens,
        wording.seed: request.seed,
        wording.user: request.user,
        wording.cache_key: request.cache_key,
    }
    body.update((name, value) for name, value in options.items() if name and value is not None)
    return body


def sampling(request: ChatRequest) -> dict[str | None, Any]:
    return {
        "temperature": request.temperature,
        "top_p": request.top_p,
        "top_k": request.top_k,
        "stop": list(request.stop) or None,
        "frequency_penalty": request.frequency_penalty,
        "presence_penalty": request.presence_penalty,
        "logit_bias": dict(request.logit_bias) if request.logit_bias else None,
        "logprobs": request.logprobs,
        "top_logprobs": request.top_logprobs,
    }


def encode_effort(request: ChatRequest) -> Effort | None:
    """The effort, or the one that a budget in tokens stands for; -1 leaves it to the model."""
    if request.shows_reasoning is False:
        raise Unsupported(
            "this provider always shows its reasoning (`shows_reasoning`).", "shows_reasoning"
        )
    budget = request.reasoning_budget
    if request.reasoning_effort is not None or budget is None or budget < 0:
        return request.reasoning_effort
    return next((effort for most, effort in EFFORT_OF_BUDGET if budget <= most), "high")


def encode_tool(tool: ToolSpec) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name, "parameters": dict(tool.parameters)}
    if tool.description:
        function["description"] = tool.description
    if tool.strict:
        function["strict"] = True
    return {"type": "function", "function": function}


def encode_tool_choice(choice: ToolChoice | None) -> str | dict[str, Any] | None:
    if isinstance(choice, NamedTool):
        return {"type": "function", "function": {"name": choice.name}}
    return choice


def encode_format(wanted: ResponseFormat | None) -> dict[str, Any] | None:
    if wanted is None:
        return None
    if wanted.type == "json_object":
        return {"type": "json_object"}
    schema = {"name": wanted.name, "schema": dict(wanted.schema or {}), "strict": wanted.strict}
    return {"type": "json_schema", "json_schema": schema}
