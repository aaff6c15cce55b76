"""`generationConfig` in canonical fields."""

from typing import Any, Final

from app.inference.dialects.checks import (
    expect_known,
    flag,
    integer,
    invalid,
    mapping,
    number,
    optional_text,
    strings,
    unknown_of,
)
from app.inference.dialects.errors import UnsupportedParameter
from app.inference.dialects.gemini.schema import json_schema
from app.inference.providers.types import Effort, ResponseFormat

AT: Final = "generationConfig"
TRANSLATED: Final = frozenset({
    "temperature", "topP", "topK", "maxOutputTokens", "stopSequences", "seed", "presencePenalty",
    "frequencyPenalty", "responseLogprobs", "logprobs", "responseMimeType", "responseSchema",
    "responseJsonSchema", "thinkingConfig",
})  # fmt: skip
# What these say is what happens without them, so nothing is lost.
NEUTRAL: Final[dict[str, tuple[object, ...]]] = {
    "candidateCount": (1,),
    "responseModalities": ([], ["TEXT"]),
    "mediaResolution": ("MEDIA_RESOLUTION_UNSPECIFIED",),
    "enableEnhancedCivicAnswers": (False,),
    "audioTimestamp": (False,),
}
LEVELS: Final[dict[str, Effort]] = {
    "MINIMAL": "minimal",
    "LOW": "low",
    "MEDIUM": "medium",
    "HIGH": "high",
    "XHIGH": "xhigh",
}
THINKING_FIELDS: Final = frozenset({"includeThoughts", "thinkingBudget", "thinkingLevel"})
JSON: Final = "application/json"


def generation_fields(config: dict[str, Any]) -> dict[str, Any]:
    """The fields of a ChatRequest that stand in the configuration; raises RequestInvalid."""
    logprobs = flag(config.get("responseLogprobs"), f"{AT}.responseLogprobs")
    return {
        "temperature": number(config.get("temperature"), f"{AT}.temperature", 0, 2),
        "top_p": number(config.get("topP"), f"{AT}.topP", 0, 1),
        "top_k": top_k(config.get("topK")),
        "max_output_tokens": integer(config.get("maxOutputTokens"), f"{AT}.maxOutputTokens", 1),
        "stop": strings(config.get("stopSequences"), f"{AT}.stopSequences"),
        "seed": integer(config.get("seed"), f"{AT}.seed", -(2**31), 2**31 - 1),
        "presence_penalty": penalty(config, "presencePenalty"),
        "frequency_penalty": penalty(config, "frequencyPenalty"),
        "logprobs": logprobs or None,
        "top_logprobs": integer(config.get("logprobs"), f"{AT}.logprobs", 0, 20) or None,
        "response_format": parse_format(config),
        **thinking_fields(config.get("thinkingConfig")),
    }


def unknown_generation(config: dict[str, Any], *, same: bool) -> dict[str, Any]:
    """What only Gemini understands; raises UnsupportedParameter for another provider."""
    unknown = unknown_of(config, TRANSLATED, NEUTRAL)
    if unknown and not same:
        raise UnsupportedParameter(f"{AT}.{next(iter(unknown))[:100]}")
    return unknown


def top_k(value: Any) -> int | None:
    """Google's clients send it as a decimal."""
    found = number(value, f"{AT}.topK", 0, 1_000_000)
    return None if found is None else int(found)


def penalty(config: dict[str, Any], name: str) -> float | None:
    return number(config.get(name), f"{AT}.{name}", -2, 2)


def thinking_fields(value: Any) -> dict[str, Any]:
    at = f"{AT}.thinkingConfig"
    config = mapping(value, at)
    expect_known(config, THINKING_FIELDS, f"{at}.")
    level = optional_text(config.get("thinkingLevel"), f"{at}.thinkingLevel")
    if level is not None and level.upper() not in (*LEVELS, "THINKING_LEVEL_UNSPECIFIED"):
        raise invalid(f"{at}.thinkingLevel", f"expected one of {', '.join(LEVELS)}")
    return {
        "reasoning_effort": LEVELS.get(level.upper()) if level else None,
        "reasoning_budget": integer(
            config.get("thinkingBudget"), f"{at}.thinkingBudget", -1, 1_000_000
        ),
        "shows_reasoning": flag(config.get("includeThoughts"), f"{at}.includeThoughts"),
    }


def parse_format(config: dict[str, Any]) -> ResponseFormat | None:
    kind = optional_text(config.get("responseMimeType"), f"{AT}.responseMimeType")
    schema = mapping(config.get("responseJsonSchema"), f"{AT}.responseJsonSchema")
    if not schema:
        described = mapping(config.get("responseSchema"), f"{AT}.responseSchema")
        schema = json_schema(described, f"{AT}.responseSchema")
    if kind in (None, "", "text/plain") and not schema:
        return None
    if kind != JSON:
        told = f"must be '{JSON}' with a schema, or 'text/plain', with this model."
        raise UnsupportedParameter(f"{AT}.responseMimeType", told)
    return ResponseFormat("json_schema", schema=schema) if schema else ResponseFormat("json_object")
