"""The price of one model, compiled to whole numbers so that a call's cost takes no time."""

from dataclasses import dataclass

from app.inference.providers.types import Usage

PICO_A_NANO = 1000


@dataclass(frozen=True, slots=True)
class Tier:
    """What tokens cost once a call's input is longer than `above`; pico-dollars a token."""

    above: int
    input: int
    output: int
    cached_input: int
    cache_write: int


@dataclass(frozen=True, slots=True)
class Price:
    """Tiers by their `above`, the first of them 0. `call` is nano-dollars a call.

    `factor` is what a discount leaves, in parts of a million.
    """

    tiers: tuple[Tier, ...]
    call: int = 0
    factor: int = 1_000_000
    source: str = "list"

    def cost(self, usage: Usage) -> int:
        """Nano-dollars of a call, rounded half up once, at the end."""
        # A provider may count more cached tokens than input; a price is for the input there was.
        cached = min(usage.cached_input_tokens, usage.input_tokens)
        written = min(usage.cache_write_tokens, usage.input_tokens - cached)
        tier = self._tier(usage.input_tokens)
        pico = (
            (usage.input_tokens - cached - written) * tier.input
            + cached * tier.cached_input
            + written * tier.cache_write
            + usage.output_tokens * tier.output
        )
        exact = (pico + self.call * PICO_A_NANO) * self.factor
        unit = PICO_A_NANO * 1_000_000
        return (2 * exact + unit) // (2 * unit)

    def _tier(self, input_tokens: int) -> Tier:
        found = self.tiers[0]
        for tier in self.tiers:
            if input_tokens > tier.above:
                found = tier
        return found


FREE = Price((Tier(0, 0, 0, 0, 0),), source="free")
