"""What a turn would cost, told without asking the model."""

from decimal import Decimal

from app.chat.turns.asking import Prepared
from app.chat.turns.schemas import TurnEstimate
from app.chat.turns.service import candidate_of
from app.inference.prices.money import to_dollars
from app.inference.prices.price import Price
from app.inference.providers.types import Usage
from app.inference.usage.service import estimate_input


def estimate(prepared: Prepared) -> TurnEstimate:
    """Tokens and US dollars of a request that is ready to be sent."""
    candidate = candidate_of(prepared)
    request = prepared.asked.request(candidate.target)
    tokens, most = estimate_input(request.messages), request.max_output_tokens
    return TurnEstimate(
        object="turn_estimate",
        model=candidate.target.reference,
        route=prepared.plan.route,
        input_tokens=tokens,
        max_output_tokens=most,
        input_cost_usd=_cost(candidate.price, tokens, 0),
        max_cost_usd=_cost(candidate.price, tokens, most) if most else None,
    )


def _cost(price: Price | None, input_tokens: int, output_tokens: int) -> Decimal | None:
    if price is None:
        return None
    return to_dollars(price.cost(Usage(input_tokens, output_tokens)))
