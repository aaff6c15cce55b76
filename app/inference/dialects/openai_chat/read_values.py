"""Values that only OpenAI's requests have, checked; whatever is wrong is named by its place."""

from typing import Any

from app.inference.dialects.ask import wrong_type
from app.inference.dialects.errors import RequestInvalid, UnsupportedParameter
from app.inference.providers.types import CacheHint

MOST_METADATA = 16


def metadata(value: Any) -> dict[str, str] | None:
    if not value and value != []:
        return None
    if not isinstance(value, dict) or not all(isinstance(held, str) for held in value.values()):
        raise wrong_type("metadata", "an object of strings")
    if len(value) > MOST_METADATA:
        said = f"Invalid 'metadata': more than {MOST_METADATA} entries."
        raise RequestInvalid(said, param="metadata", label="object_above_max_properties")
    return value


def bias(value: Any) -> dict[str, float] | None:
    """`logit_bias`: a number from -100 to 100 by token."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise wrong_type("logit_bias", "an object")
    for weight in value.values():
        if isinstance(weight, bool) or not isinstance(weight, int | float):
            raise wrong_type("logit_bias", "an object of numbers")
    return value or None


def cache_hint(part: dict[str, Any], at: str) -> CacheHint | None:
    """Until when a prompt is to be remembered, in OpenAI's words or in Anthropic's."""
    match part.get("cache_control"), part.get("prompt_cache_breakpoint"):
        case None, None:
            return None
        case {"type": "ephemeral", "ttl": "1h"}, _:
            return "1h"
        case {"type": "ephemeral", **more}, _ if more.get("ttl") in (None, "5m"):
            return "5m"
        case None, {"mode": "explicit", **more} if more.get("ttl") in (None, "30m"):
            return "30m"
    name = "cache_control" if part.get("cache_control") else "prompt_cache_breakpoint"
    raise UnsupportedParameter(f"{at}.{name}")
