"""What a call costs by the provider's list, where no price book is at hand."""

from decimal import Decimal

from app.inference.prices.listed import find_model, list_price
from app.inference.prices.money import to_dollars
from app.inference.providers.types import Usage

__all__ = ["cost", "find_model"]


def cost(kind: str, model: str, usage: Usage) -> Decimal | None:
    """US dollars of a call; zero where models are free, None where no price is known."""
    price = list_price(kind, model)
    return None if price is None else to_dollars(price.cost(usage))
