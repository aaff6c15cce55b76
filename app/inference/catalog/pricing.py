"""Prices and context windows, from genai-prices."""

from decimal import Decimal
from functools import lru_cache
from typing import Any

from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, ModelPrice, TieredPrices
from genai_prices.types import Usage as PricedUsage

from app.core.clock import now
from app.inference.providers.types import Usage

# Our kinds by the names that genai-prices knows them under.
PROVIDER_NAMES = {
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
}
FREE_KINDS = frozenset({"demo", "ollama"})


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


def cost(kind: str, model: str, usage: Usage) -> Decimal | None:
    """US dollars of a call; zero where models are free, None where no price is known."""
    if kind in FREE_KINDS:
        return Decimal(0)
    found = find_model(kind, model)
    if found is None:
        return None
    # A provider may count more cached tokens than input; a price is for the input there was.
    cached = min(usage.cached_input_tokens, usage.input_tokens)
    priced = PricedUsage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=cached,
        cache_write_tokens=min(usage.cache_write_tokens, usage.input_tokens - cached),
    )
    try:
        return Decimal(found.get_prices(now()).calc_price(priced)["total_price"])
    except (ValueError, ArithmeticError):
        # Counts that contradict each other have no price.
        return None


def per_million(kind: str, model: str) -> dict[str, Decimal | None] | None:
    """US dollars a million tokens: `input`, `output`, `cached_input`."""
    if kind in FREE_KINDS:
        return {"input": Decimal(0), "output": Decimal(0), "cached_input": Decimal(0)}
    found = find_model(kind, model)
    if found is None:
        return None
    prices: ModelPrice = found.get_prices(now())
    return {
        "input": _base(prices.input_mtok),
        "output": _base(prices.output_mtok),
        "cached_input": _base(prices.cache_read_mtok),
    }


def _base(price: Any) -> Decimal | None:
    if isinstance(price, TieredPrices):
        return Decimal(price.base)
    return None if price is None else Decimal(price)
