"""What a turn would cost, told without asking the model."""

from decimal import Decimal

from app.chat.turns.context import Prepared
from app.chat.turns.schemas import TurnEstimate
from app.inference.catalog.pricing import cost
from app.inference.providers.types import Usage
from app.inference.usage.service import estimate_input


def estimate(prepared: Prepared) -> TurnEstimate:
    """Tokens and US dollars of a request that is ready to be sent."""
    request = prepared.request
    tokens = estimate_input(request.messages)
    return TurnEstimate(
        object="turn_estimate",
        model=prepared.target.reference,
        input_tokens=tokens,
        max_output_tokens=request.max_output_tokens,
        input_cost_usd=_price(prepared, tokens, 0),
        max_cost_usd=(
            _price(prepared, tokens, request.max_output_tokens)
            if request.max_output_tokens
            else None
        ),
    )


def _price(prepared: Prepared, input_tokens: int, output_tokens: int) -> Decimal | None:
    target = prepared.target
    usage = Usage(input_tokens=input_tokens, output_tokens=output_tokens)
    return cost(target.endpoint.kind, target.model, usage)
