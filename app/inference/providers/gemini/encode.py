"""A canonical request as a generateContent body."""

import re
from typing import Any, Final

from app.inference.providers.codec import Unsupported, text_of
from app.inference.providers.gemini.encode_contents import DIALECT, encode_contents
from app.inference.providers.types import ChatRequest, Effort, NamedTool, ToolSpec

# Models up to 2.5 take a thinking budget, later ones a level (and a budget where one is named).
TAKES_BUDGET: Final = re.compile(r"gemini-([12])\b")
BUDGETS: Final[dict[Effort, int]] = {
    "none": 0,
    "minimal": 512,
    "low": 1024,
    "medium": 8192,
    "high": 24576,
    "xhigh": 24576,
    "max": 24576,
}
LEVELS: Final[dict[Effort, str]] = {
    "none": "MINIMAL",
    "minimal": "MINIMAL",
    "low": "LOW",
    "medium": "MEDIUM",
    "high": "HIGH",
    "xhigh": "XHIGH",
    "max": "XHIGH",
}
MODES: Final = {"auto": "AUTO", "none": "NONE", "required": "ANY"}
# What is taken where nobody says is left unsaid.
SERVICE_TIERS: Final[dict[str, str | None]] = {
    "auto": None,
    "default": "standard",
    "flex": "flex",
    "priority": "priority",
}


def encode_request(request: ChatRequest) -> dict[str, Any]:
    if request.parallel_tool_calls is False:
        raise Unsupported(
            f"{DIALECT} cannot be kept from calling tools in parallel.", "parallel_tool_calls"
        )
    contents = encode_contents(request.messages, request.model)
    body: dict[str, Any] = {**request.extra, "contents": contents}
    system = [text_of(m, DIALECT) for m in request.messages if m.role == "system"]
    if any(system):
        body["systemInstruction"] = {"parts": [{"text": text} for text in system if text]}
    if request.tools:
        body["tools"] = [
            *request.extra.get("tools", ()),
            {"functionDeclarations": [encode_tool(tool) for tool in request.tools]},
        ]
    if (config := encode_tool_choice(request)) is not None:
        body["toolConfig"] = {
            **request.extra.get("toolConfig", {}),
            "functionCallingConfig": config,
        }
    generation = request.extra.get("generationConfig", {}) | encode_generation(request)
    if generation:
        body["generationConfig"] = generation
    if request.metadata:
        body["labels"] = dict(request.metadata)
    if (tier := encode_tier(request.service_tier)) is not None:
        body["serviceTier"] = tier
    return body


def encode_generation(request: ChatRequest) -> dict[str, Any]:
    optional: dict[str, Any] = {
        "temperature": request.temperature,
        "topP": request.top_p,
        "topK": request.top_k,
        "maxOutputTokens": request.max_output_tokens,
        "stopSequences": list(request.stop) or None,
        "seed": request.seed,
        "presencePenalty": request.presence_penalty,
        "frequencyPenalty": request.frequency_penalty,
        "responseLogprobs": request.logprobs,
        "logprobs": request.top_logprobs,
        "thinkingConfig": encode_thinking(request) or None,
    }
    if request.response_format is not None:
        optional["responseMimeType"] = "application/json"
        if request.response_format.type == "json_schema":
            optional["responseJsonSchema"] = dict(request.response_format.schema or {})
    return {name: value for name, value in optional.items() if value is not None}


def encode_thinking(request: ChatRequest) -> dict[str, Any]:
    """A budget that is named goes before an effort; thoughts are shown unless that is unwanted."""
    effort, budget = request.reasoning_effort, request.reasoning_budget
    shows = request.shows_reasoning
    config: dict[str, Any] = {}
    if budget is not None and (budget >= 0 or effort is None):
        config["thinkingBudget"] = budget
    elif effort is not None and TAKES_BUDGET.search(request.model):
        config["thinkingBudget"] = BUDGETS[effort]
    elif effort is not None:
        config["thinkingLevel"] = LEVELS[effort]
    if shows is None and config:
        shows = effort != "none" and budget != 0
    return config if shows is None else {"includeThoughts": shows, **config}


def encode_tier(tier: str | None) -> str | None:
    if tier is not None and tier not in SERVICE_TIERS:
        raise Unsupported(f"{DIALECT} has no `service_tier` {tier[:40]!r}.", "service_tier")
    return None if tier is None else SERVICE_TIERS[tier]


def encode_tool(tool: ToolSpec) -> dict[str, Any]:
    encoded: dict[str, Any] = {"name": tool.name, "parametersJsonSchema": dict(tool.parameters)}
    return encoded | {"description": tool.description} if tool.description else encoded


def encode_tool_choice(request: ChatRequest) -> dict[str, Any] | None:
    choice = request.tool_choice
    if isinstance(choice, NamedTool):
        return {"mode": "ANY", "allowedFunctionNames": [choice.name]}
    if choice in (None, "auto") and any(tool.strict for tool in request.tools):
        return {"mode": "VALIDATED"}
    return None if choice is None else {"mode": MODES[choice]}
