"""Single values of an OpenAI request, checked; whatever is wrong is named by its place."""

from collections.abc import Container
from typing import Any, Final, get_args

from app.inference.dialects.ask import wrong_type
from app.inference.dialects.errors import RequestInvalid, UnsupportedParameter
from app.inference.providers.types import CacheHint, Effort

EFFORTS: Final[tuple[Effort, ...]] = get_args(Effort)
MOST_METADATA = 16


def text(value: Any, at: str, *, empty: bool = False) -> str:
    if value is None:
        said = f"Missing required parameter: '{at}'."
        raise RequestInvalid(said, param=at, label="missing_required_parameter")
    if not isinstance(value, str):
        raise wrong_type(at, "a string")
    if not value and not empty:
        raise RequestInvalid(f"Invalid '{at}': empty string.", param=at, label="empty_string")
    return value


def number(document: dict[str, Any], name: str, most: float, least: float = 0) -> float | None:
    value = document.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong_type(name, "a decimal")
    if not least <= value <= most:
        said = f"Invalid '{name}': expected a value from {least:g} to {most:g}."
        raise RequestInvalid(said, param=name, label="decimal_out_of_range")
    return value


def integer(
    document: dict[str, Any], name: str, least: int, most: int = 2**63 - 1, within: str = ""
) -> int | None:
    value = document.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong_type(within + name, "an integer")
    if not least <= value <= most:
        said = f"Invalid '{within}{name}': integer out of range; the least is {least}."
        raise RequestInvalid(said, param=within + name, label="integer_out_of_range")
    return value


def effort(value: Any, at: str) -> Effort | None:
    for known in EFFORTS:
        if value == known:
            return known
    if value is None:
        return None
    said = f"Invalid '{at}': expected one of {', '.join(EFFORTS)}."
    raise RequestInvalid(said, param=at, label="invalid_value")


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
            # OpenAI's half an hour is the least; the hour is the next that others have.
            return "1h"
    name = "cache_control" if part.get("cache_control") else "prompt_cache_breakpoint"
    raise UnsupportedParameter(f"{at}.{name}")


def expect_known(given: dict[str, Any], known: Container[str], at: str) -> None:
    """Refuse a field that the translation has no place for."""
    for name, value in given.items():
        if name not in known and value is not None:
            raise UnsupportedParameter(f"{at}.{name[:100]}")
