"""What a model is and can do, by its name, where its provider's listing does not say."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Capabilities:
    """None where nothing is known."""

    vision: bool | None
    tools: bool | None
    reasoning: bool | None
    structured_output: bool | None


_REASONING = re.compile(
    r"^o\d|gpt-5|claude-(opus|sonnet|haiku)-[45]|claude-3-7|claude-fable|claude-mythos|gemini-(2\.5|[3-9])"
    r"|deepseek-(r|reasoner)|grok-[34]|qwq|magistral|reasoning|thinking|gpt-oss"
)
_VISION = re.compile(
    r"^o[134](?!-mini)|o4-mini|gpt-4o|gpt-4\.|gpt-4-turbo|gpt-5|claude|gemini|pixtral|llava|vision|-vl"
    r"|gemma-?3|llama-?4|mistral-(small|medium)"
)
_TOOLS = re.compile(
    r"^o[134]|gpt-[345]|claude|gemini|mistral|ministral|command-r|llama-?[34]|qwen|deepseek|grok"
    r"|gpt-oss|kimi|glm"
)
_STRUCTURED = re.compile(r"^o[134]|gpt-4o|gpt-4\.1|gpt-5|gemini|claude-\w+-4|gpt-oss|mistral|grok")
_KNOWN_KINDS = frozenset({"openai", "anthropic", "gemini", "azure"})


def capabilities_of(kind: str, model: str) -> Capabilities:
    """By family name. A family that no pattern knows is unknown, not incapable."""
    if kind == "demo":
        return Capabilities(False, True, model.startswith("reasoning"), True)
    name = model.lower().rpartition("/")[2]
    silent = False if kind in _KNOWN_KINDS else None

    def says(pattern: re.Pattern[str]) -> bool | None:
        return True if pattern.search(name) else silent

    return Capabilities(says(_VISION), says(_TOOLS), says(_REASONING), says(_STRUCTURED))
