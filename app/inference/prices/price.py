"""The price of one model, compiled to whole numbers so that a call's cost takes no time."""

from dataclasses import dataclass, field

from app.inference.providers.types import Usage

PICO_A_NANO = 1000
ATTO_A_PICO = 1_000_000
MILLISECONDS_A_MINUTE = 60_000
WHOLE = 1_000_000
# What a whole price's pico-dollars are to a nano-dollar.
UNIT = PICO_A_NANO * WHOLE
# What the ledger's columns hold: numeric(18, 9).
MOST_NANO = 10**18 - 1


@dataclass(frozen=True, slots=True)
class Tier:
    """What tokens cost once a call's input is longer than `above`; pico-dollars a token.

    `reasoning` is what the reasoning among the output costs, where that is not the same. `rest` is
    what a price has below a pico-dollar, in atto-dollars: of input, output, cached input and cache
    writes.
    """

    above: int
    input: int
    output: int
    cached_input: int
    cache_write: int
    reasoning: int | None = None
    rest: tuple[int, int, int, int] | None = None

    def below(self, given: int, made: int, cached: int, written: int) -> int:
        """Pico-dollars of what a price has below them, of so many tokens; rounded half up."""
        if self.rest is None:
            return 0
        atto = sum(
            tokens * rest
            for tokens, rest in zip((given, made, cached, written), self.rest, strict=True)
        )
        return (2 * atto + ATTO_A_PICO) // (2 * ATTO_A_PICO)


@dataclass(frozen=True, slots=True)
class Price:
    """Tiers by their `above`, the first of them 0.

    `call`, `image` and `minute` are nano-dollars for each call, image made, and minute of sound.
    `factor` is what a discount leaves, in parts of a million. `source` says whose price it is:
    `list` (the provider's), `override` (the workspace's own) or `free`.
    """

    tiers: tuple[Tier, ...]
    call: int = 0
    factor: int = WHOLE
    source: str = "list"
    image: int = 0
    minute: int = 0
    # Its underscore keeps it out of what is written of a price as JSON.
    _steep: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_steep", any(map(_is_steep, self.tiers)))

    @property
    def is_steep(self) -> bool:
        """Whether a token may cost more than input or output: written to a cache, or reasoning."""
        return self._steep

    def cost(self, usage: Usage, *, images: int = 0, milliseconds: int = 0) -> int:
        """Nano-dollars of a call, rounded half up once, at the end; never more than a row holds.

        `images` is how many were made, `milliseconds` how long the sound was that went in or out.
        """
        # A provider may count more cached tokens than input; a price is for the input there was.
        cached = min(usage.cached_input_tokens, usage.input_tokens)
        written = min(usage.cache_write_tokens, usage.input_tokens - cached)
        return self.of(
            usage.input_tokens - cached - written,
            usage.output_tokens,
            cached,
            written,
            min(usage.reasoning_tokens, usage.output_tokens),
            images,
            milliseconds,
        )

    def of(
        self,
        given: int,
        made: int,
        cached: int = 0,
        written: int = 0,
        thought: int = 0,
        images: int = 0,
        milliseconds: int = 0,
    ) -> int:
        """The same of so many tokens: `given` without cached and written, `made` with `thought`."""
        tiers = self.tiers
        tier = tiers[0] if len(tiers) == 1 else self._tier(given + cached + written)
        pico = given * tier.input + made * tier.output + self.call * PICO_A_NANO
        if cached or written:
            pico += cached * tier.cached_input + written * tier.cache_write
        if tier.rest is not None:
            pico += tier.below(given, made, cached, written)
        if thought and tier.reasoning is not None:
            pico += thought * (tier.reasoning - tier.output)
        if images:
            pico += images * self.image * PICO_A_NANO
        exact, unit = pico * self.factor, UNIT
        if milliseconds and self.minute:
            sound = milliseconds * self.minute * PICO_A_NANO * self.factor
            exact, unit = exact * MILLISECONDS_A_MINUTE + sound, unit * MILLISECONDS_A_MINUTE
        return min((2 * exact + unit) // (2 * unit), MOST_NANO)

    def _tier(self, input_tokens: int) -> Tier:
        found = self.tiers[0]
        for tier in self.tiers:
            if input_tokens > tier.above:
                found = tier
        return found


def _is_steep(tier: Tier) -> bool:
    return tier.cache_write > tier.input or (tier.reasoning or 0) > tier.output


FREE = Price((Tier(0, 0, 0, 0, 0),), source="free")
