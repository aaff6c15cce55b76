"""What providers ask for their models, from genai-prices, each compiled once.

Compiled prices give the same nano-dollars as genai-prices' own arithmetic does.
"""

import re
import time
from collections.abc import Iterable
from dataclasses import fields, replace
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any, Final

from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, ModelPrice, TieredPrices

from app.core.clock import now
from app.inference.prices.money import to_nano
from app.inference.prices.price import ATTO_A_PICO, FREE, Apart, Price, Tier

# Our kinds by the names that genai-prices knows them under.
PROVIDER_NAMES: Final = {
    "openai": "openai",
    "anthropic": "anthropic",
    "gemini": "google",
    "groq": "groq",
    "mistral": "mistral",
    "openrouter": "openrouter",
    "deepseek": "deepseek",
    "together": "together",
    "xai": "x-ai",
    "azure": "azure",
    "cohere": "cohere",
    "voyage": "voyageai",
}
FREE_KINDS: Final = frozenset({"demo", "local", "ollama"})
# What no list has, since nobody pays for it.
FREE_MODELS: Final = re.compile(r"\A(omni|text)-moderation-")
# What genai-prices calls those that an `Apart` has.
APART: Final = {
    "reasoning": "output_reasoning_mtok",
    "hour_write": "cache_write_1h_mtok",
    "audio_input": "input_audio_mtok",
    "image_input": "input_image_mtok",
    "video_input": "input_video_mtok",
    "cached_audio": "cache_audio_read_mtok",
    "cached_image": "cache_image_read_mtok",
    "audio_output": "output_audio_mtok",
    "image_output": "output_image_mtok",
}
# Some prices change with the date or with the hour of the day.
COMPILED_FOR_SECONDS: Final = 60
# A dollar a million tokens is so many pico-dollars a token.
PICO_A_TOKEN: Final = 1_000_000


@lru_cache(maxsize=4096)
def find_model(kind: str, model: str) -> ModelInfo | None:
    """What genai-prices knows of a model, or None."""
    provider_id = PROVIDER_NAMES.get(kind)
    if provider_id is None:
        return None
    try:
        _, found = get_snapshot().find_provider_model(model, None, provider_id, None)
    except LookupError:
        return None
    return found


def list_price(
    kind: str, model: str, *, processing: str | None = None, service_tier: str | None = None
) -> Price | None:
    """The provider's price now: free where models are, None where nobody knows one.

    `processing` is `batch` for what a provider's batch API does; `service_tier` is the provider's
    own word (`flex`, `priority`, `fast`). One that has no price of its own costs what others cost.
    """
    if kind in FREE_KINDS or (kind == "openai" and FREE_MODELS.search(model)):
        return FREE
    period = int(time.monotonic()) // COMPILED_FOR_SECONDS
    return _compiled(kind, model, processing, service_tier, period)


def at_tier(price: Price, kind: str, model: str, told: str | None) -> Price:
    """A price at the tier that the provider `told` it answered at; one's own holds for all."""
    if told is None or price.source != "list":
        return price
    listed = list_price(kind, model, service_tier=told)
    return price if listed is None else discounted(listed, price.factor)


@lru_cache(maxsize=4096)
def discounted(price: Price, factor: int) -> Price:
    """A price of which a discount leaves `factor`, in parts of a million."""
    return replace(price, factor=factor)


@lru_cache(maxsize=4096)
def _compiled(
    kind: str, model: str, processing: str | None, service_tier: str | None, _period: int
) -> Price | None:
    found = find_model(kind, model)
    if found is None:
        return None
    # Anthropic's word for a tier is its `speed`.
    named = {"processing": processing, "service_tier": service_tier, "speed": service_tier}
    context = {name: value for name, value in named.items() if value}
    return compiled(found.get_prices(now(), context or None))


def compiled(prices: ModelPrice) -> Price | None:
    """A price of genai-prices in whole numbers; None for one by what no call tells us."""
    minute = _minute(prices)
    if prices.input_mtok is None and prices.output_mtok is None and not minute:
        return None
    kinds = (
        prices.input_mtok,
        prices.output_mtok,
        prices.cache_read_mtok,
        prices.cache_write_mtok,
        *(getattr(prices, APART[each.name]) for each in fields(Apart)),
    )
    tiers = tuple(_tier(start, *kinds) for start in _starts(kinds))
    call = prices.requests_kcount
    return Price(tiers, call=to_nano(_base(call) / 1000) if call else 0, minute=minute)


def _minute(prices: ModelPrice) -> int:
    """Nano-dollars a minute of sound, rounded half up."""
    hour = prices.audio_hours or prices.input_audio_hours
    return to_nano(_base(hour) / 60) if hour else 0


def _starts(kinds: Iterable[Any]) -> list[int]:
    """The lengths of input from which something costs otherwise."""
    tiered = [price for price in kinds if isinstance(price, TieredPrices)]
    return sorted({0, *(tier.start for price in tiered for tier in price.tiers)})


def _tier(above: int, *kinds: Any) -> Tier:
    given, made, cached, written, *own = (_at(price, above) for price in kinds)
    inputs = given or Decimal(0)
    # What has no price of its own is input like any other.
    return tier_of(
        above,
        inputs,
        made or Decimal(0),
        inputs if cached is None else cached,
        inputs if written is None else written,
        *own,
    )


def tier_of(above: int, *prices: Decimal | None) -> Tier:
    """A tier by its dollars a million: input, output, cached input, cache writes.

    Behind them stand those of an `Apart`, in its order.
    """
    exact = [Decimal(0 if price is None else price) * PICO_A_TOKEN for price in prices]
    whole = [int(pico) for pico in exact]
    rests = [
        int(((pico - int(pico)) * ATTO_A_PICO).to_integral_value(ROUND_HALF_UP))
        for pico in exact[:4]
    ]
    given, made, cached, written, *other = whole
    own = [None if price is None else pico for price, pico in zip(prices[4:], other, strict=True)]
    rest = (rests[0], rests[1], rests[2], rests[3]) if any(rests) else None
    apart = None if all(price is None for price in own) else Apart(*own)
    return Tier(above, given, made, cached, written, rest, apart)


def per_million(pico: int, rest: int = 0) -> Decimal:
    """Pico-dollars a token, and atto-dollars beside them, as dollars a million tokens."""
    return (Decimal(pico) + Decimal(rest) / ATTO_A_PICO) / PICO_A_TOKEN


def _at(price: Any, above: int) -> Decimal | None:
    """Dollars a million tokens, for an input longer than `above`."""
    if isinstance(price, TieredPrices):
        reached = [tier.price for tier in price.tiers if tier.start <= above]
        return Decimal(reached[-1] if above and reached else price.base)
    return None if price is None else Decimal(price)


def _base(price: Any) -> Decimal:
    return Decimal(price.base if isinstance(price, TieredPrices) else price)
