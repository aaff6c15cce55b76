"""What training costs: its prices stand in no list that models' prices come from."""

from decimal import Decimal
from typing import Final

# OpenAI's, in US dollars a million tokens trained on; the longest beginning of a name counts.
PRICES: Final = {
    "gpt-4.1-nano": Decimal("1.50"),
    "gpt-4.1-mini": Decimal(5),
    "gpt-4.1": Decimal(25),
    "gpt-4o-mini": Decimal(3),
    "gpt-4o": Decimal(25),
    "gpt-3.5-turbo": Decimal(8),
}
# As many as providers take by themselves for all but tiny data sets.
USUAL_EPOCHS: Final = 3


def estimated(kind: str, model: str, tokens: int, epochs: int | None) -> Decimal | None:
    """US dollars of training on so many tokens; None where no price is known."""
    if kind != "openai":
        return None
    found = [name for name in PRICES if model.startswith(name)]
    if not found:
        return None
    price = PRICES[max(found, key=len)]
    return price * tokens * (epochs or USUAL_EPOCHS) / 1_000_000
