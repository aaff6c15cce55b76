"""A generateContent request as a canonical one, for providers of another dialect."""

from typing import Any, Final

from app.inference.dialects.checks import invalid, mapping, optional_text, rows, unknown_of
from app.inference.dialects.errors import UnsupportedParameter
from app.inference.dialects.gemini.generation import generation_fields, unknown_generation
from app.inference.dialects.gemini.naming import camelled
from app.inference.dialects.gemini.parse_contents import NAME, parse_contents, parse_system
from app.inference.dialects.gemini.parse_tools import parse_tools
from app.inference.dialects.reasoning import says_something
from app.inference.dialects.taken import expect_taken, takes
from app.inference.integrations.directory import Target
from app.inference.providers.types import ChatRequest, Message

TRANSLATED: Final = frozenset({
    "model", "contents", "systemInstruction", "tools", "toolConfig", "generationConfig",
    "safetySettings", "labels", "serviceTier",
})  # fmt: skip
# What these say is what happens without them, so nothing is lost.
NEUTRAL: Final[dict[str, tuple[object, ...]]] = {"store": (False,), "cachedContent": ("",)}
UNFILTERED: Final = ("OFF", "BLOCK_NONE")
TIERS: Final = {"": None, "unspecified": None, "standard": "default", "flex": "flex",
                "priority": "priority"}  # fmt: skip
OWN_NAMES: Final = {
    "temperature": "generationConfig.temperature",
    "top_p": "generationConfig.topP",
    "top_k": "generationConfig.topK",
    "max_output_tokens": "generationConfig.maxOutputTokens",
    "stop": "generationConfig.stopSequences",
    "seed": "generationConfig.seed",
    "presence_penalty": "generationConfig.presencePenalty",
    "frequency_penalty": "generationConfig.frequencyPenalty",
    "logprobs": "generationConfig.responseLogprobs",
    "top_logprobs": "generationConfig.logprobs",
    "response_format": "generationConfig.responseMimeType",
    "reasoning_effort": "generationConfig.thinkingConfig.thinkingLevel",
    "reasoning_budget": "generationConfig.thinkingConfig.thinkingBudget",
    "shows_reasoning": "generationConfig.thinkingConfig.includeThoughts",
    "tool_choice": "toolConfig.functionCallingConfig.mode",
    "metadata": "labels",
    "service_tier": "serviceTier",
}


def parse_request(document: dict[str, Any], target: Target) -> ChatRequest:
    """Raises RequestInvalid, and UnsupportedParameter for what the provider has no words for."""
    said = camelled(document)
    same = target.endpoint.dialect == NAME
    extra = parse_extra(said, same=same)
    config = mapping(said.get("generationConfig"), "generationConfig")
    if unknown := unknown_generation(config, same=same):
        extra["generationConfig"] = unknown
    tool_config = dict(mapping(said.get("toolConfig"), "toolConfig"))
    calling = tool_config.pop("functionCallingConfig", None)
    tools = parse_tools(said.get("tools"), calling, same=same)
    if tools.own:
        extra["tools"] = list(tools.own)
    if tool_config and not same:
        raise UnsupportedParameter(f"toolConfig.{next(iter(tool_config))[:100]}")
    if tool_config:
        extra["toolConfig"] = tool_config
    messages = parse_contents(said.get("contents"), target)
    expect_a_question(messages, same=same)
    request = ChatRequest(
        model=target.model,
        messages=(*parse_system(said.get("systemInstruction")), *messages),
        tools=tools.specs,
        tool_choice=tools.choice,
        metadata=parse_labels(said.get("labels")),
        service_tier=parse_tier(said.get("serviceTier")),
        extra=extra,
        **without_neutral(generation_fields(config), target),
    )
    expect_taken(request, target, OWN_NAMES)
    return request


def parse_extra(said: dict[str, Any], *, same: bool) -> dict[str, Any]:
    """What only Gemini understands, which goes there as it is."""
    unknown = unknown_of(said, TRANSLATED, NEUTRAL)
    if unknown and not same:
        raise UnsupportedParameter(next(iter(unknown))[:100])
    settings = rows(said.get("safetySettings"), "safetySettings")
    for number, setting in enumerate(settings):
        if not same and setting.get("threshold") not in UNFILTERED:
            told = "cannot be asked for with this model, which has no filters to set."
            raise UnsupportedParameter(f"safetySettings[{number}].threshold", told)
    if settings and same:
        unknown["safetySettings"] = settings
    return unknown


def expect_a_question(messages: tuple[Message, ...], *, same: bool) -> None:
    """Other dialects answer a beginning of the answer as if it were a turn of its own."""
    if not messages:
        raise invalid("contents", "contents are not specified")
    if not same and messages[-1].role == "assistant":
        raise UnsupportedParameter("contents", "may not end with the model's turn with this model.")


def without_neutral(fields: dict[str, Any], target: Target) -> dict[str, Any]:
    """Leave out what happens anyway with a model that has no reasoning, or keeps it to itself."""
    known = takes(target.endpoint.kind, target.endpoint.base_url)
    if fields["shows_reasoning"] is False and "shows_reasoning" not in known:
        fields = fields | {"shows_reasoning": None}
    if says_something(fields["reasoning_effort"], fields["reasoning_budget"], target):
        return fields
    return fields | {"reasoning_effort": None, "reasoning_budget": None}


def parse_labels(value: Any) -> dict[str, str] | None:
    labels = mapping(value, "labels")
    if not all(isinstance(label, str) for label in labels.values()):
        raise invalid("labels", "expected an object of strings")
    return labels or None


def parse_tier(value: Any) -> str | None:
    name = (optional_text(value, "serviceTier") or "").lower()
    if name not in TIERS:
        raise invalid("serviceTier", "expected standard, flex or priority")
    return TIERS[name]
