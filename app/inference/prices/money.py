"""Money as whole numbers: nano-dollars, of which a US dollar has 10**9."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Final

NANO: Final = 1_000_000_000
_STEP: Final = Decimal(1).scaleb(-9)


def to_nano(dollars: Decimal) -> int:
    return int((dollars * NANO).to_integral_value(ROUND_HALF_UP))


def to_dollars(nano: int) -> Decimal:
    return (Decimal(nano) / NANO).quantize(_STEP)
