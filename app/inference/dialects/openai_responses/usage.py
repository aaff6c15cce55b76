"""Usage as Responses tell it."""

from typing import Any

from app.inference.providers.codec import tokens
from app.inference.providers.tiers import told_tier
from app.inference.providers.types import Usage


def usage_of(response: dict[str, Any]) -> Usage | None:
    """The usage of a whole response, where it tells one that can be read."""
    usage = response.get("usage")
    if not isinstance(usage, dict):
        return None
    given = usage.get("input_tokens_details")
    written = usage.get("output_tokens_details")
    given = given if isinstance(given, dict) else {}
    written = written if isinstance(written, dict) else {}
    return Usage(
        input_tokens=tokens(usage.get("input_tokens")),
        output_tokens=tokens(usage.get("output_tokens")),
        cached_input_tokens=tokens(given.get("cached_tokens")),
        cache_write_tokens=tokens(given.get("cache_write_tokens")),
        reasoning_tokens=tokens(written.get("reasoning_tokens")),
        service_tier=told_tier(response.get("service_tier")),
    )


def usage_row(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cached_input_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }
