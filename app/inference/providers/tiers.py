"""How soon a provider is asked to answer, where that may have a price of its own."""

from collections.abc import Mapping
from typing import Any, Final

# OpenAI's word, Google's and Anthropic's.
NAMES: Final = ("service_tier", "serviceTier", "speed")
PRICED: Final = frozenset({"priority", "flex", "fast"})
USUAL: Final = "default"
# An answer that says so has been given no tier yet.
OPEN: Final = frozenset({"", "auto"})


def priced_tier(asked: Mapping[str, Any]) -> str | None:
    """The tier that a request, or a route's parameters, name; None for the usual one."""
    for name in NAMES:
        if name in asked:
            tier = asked[name]
            if isinstance(tier, str) and (tier := tier.lower()) in PRICED:
                return tier
    return None


def told_tier(told: Any) -> str | None:
    """The tier that an answer says it was given at; None where it says nothing."""
    if not isinstance(told, str) or (tier := told.lower()) in OPEN:
        return None
    return tier if tier in PRICED else USUAL
