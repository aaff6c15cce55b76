"""What calls came to."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from app.inference.gate.call import OpenCall
from app.inference.prices.money import to_dollars


@dataclass(frozen=True, slots=True)
class Total:
    """`cost_usd` is None where a price is missing."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal | None = Decimal(0)

    def __add__(self, other: "Total") -> "Total":
        costs = (self.cost_usd, other.cost_usd)
        return Total(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            None if None in costs else sum(filter(None, costs), Decimal(0)),
        )


def total_of(calls: Sequence[OpenCall]) -> Total:
    """Of calls that are settled."""
    used = [call.usage for call in calls if call.usage is not None]
    costs = [call.cost for call in calls]
    known = [cost for cost in costs if cost is not None]
    return Total(
        sum(usage.input_tokens for usage in used),
        sum(usage.output_tokens for usage in used),
        to_dollars(sum(known)) if len(known) == len(costs) else None,
    )
