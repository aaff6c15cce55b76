"""How soon a provider is asked to answer, where that may have a price of its own."""

from collections.abc import Mapping
from typing import Any, Final

# OpenAI's word, Google's and Anthropic's.
NAMES: Final = ("service_tier", "serviceTier", "speed")
PRICED: Final = frozenset({"priority", "flex", "fast"})


def priced_tier(asked: Mapping[str, Any]) -> str | None:
    """The tier that a request, or a route's parameters, name; None for the usual one."""
    for name in NAMES:
        if name in asked:
            tier = asked[name]
            if isinstance(tier, str) and (tier := tier.lower()) in PRICED:
                return tier
    return None
