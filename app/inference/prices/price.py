"""The price of one model, compiled to whole numbers so that a call's cost takes no time."""

from dataclasses import dataclass

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
class Apart:
    """Pico-dollars a token of what does not cost what other input or output does; None: it does."""

    reasoning: int | None = None
    hour_write: int | None = None
    audio_input: int | None = None
    image_input: int | None = None
    video_input: int | None = None
    cached_audio: int | None = None
    cached_image: int | None = None
    audio_output: int | None = None
    image_output: int | None = None


@dataclass(frozen=True, slots=True)
class Tier:
    """What tokens cost once a call's input is longer than `above`; pico-dollars a token.

    `rest` is what a price has below a pico-dollar, in atto-dollars: of input, output, cached input
    and cache writes. `apart` has what most models have not: prices for some kinds of tokens.
    """

    above: int
    input: int
    output: int
    cached_input: int
    cache_write: int
    rest: tuple[int, int, int, int] | None = None
    apart: Apart | None = None

    def below(self, given: int, made: int, cached: int, written: int) -> int:
        """Pico-dollars of what a price has below them, of so many tokens; rounded half up."""
        if self.rest is None:
            return 0
        atto = sum(
            tokens * rest
            for tokens, rest in zip((given, made, cached, written), self.rest, strict=True)
        )
        return (2 * atto + ATTO_A_PICO) // (2 * ATTO_A_PICO)

    def beside(self, apart: Apart, usage: Usage, given: int, cached: int, written: int) -> int:
        """Pico-dollars that tokens with a price of their own cost more than the others."""
        made = usage.output_tokens
        kinds = (
            (apart.reasoning, self.output, usage.reasoning_tokens, made),
            (apart.hour_write, self.cache_write, usage.hour_write_tokens, written),
            (apart.audio_input, self.input, usage.audio_input_tokens, given),
            (apart.image_input, self.input, usage.image_input_tokens, given),
            (apart.video_input, self.input, usage.video_input_tokens, given),
            (apart.cached_audio, self.cached_input, usage.cached_audio_tokens, cached),
            (apart.cached_image, self.cached_input, usage.cached_image_tokens, cached),
            (apart.audio_output, self.output, usage.audio_output_tokens, made),
            (apart.image_output, self.output, usage.image_output_tokens, made),
        )
        pico = 0
        for own, usual, tokens, most in kinds:
            if tokens and own is not None:
                pico += min(tokens, most) * (own - usual)
        return pico

    def dearest(self, *, mixed: bool) -> tuple[int, int]:
        """What a token of input and one of output cost at most; `mixed` input is not text alone."""
        given, made = max(self.input, self.cached_input, self.cache_write), self.output
        apart = self.apart
        if apart is None:
            return given, made
        heard = (apart.audio_input, apart.image_input, apart.video_input) if mixed else ()
        kept = (apart.cached_audio, apart.cached_image) if mixed else ()
        said = (apart.reasoning, apart.audio_output, apart.image_output)
        return dearest_of(given, apart.hour_write, *heard, *kept), dearest_of(made, *said)


def dearest_of(*prices: int | None) -> int:
    return max(price or 0 for price in prices)


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

    def cost(self, usage: Usage, *, images: int = 0, milliseconds: int = 0) -> int:
        """Nano-dollars of a call, rounded half up once, at the end; never more than a row holds.

        `images` is how many were made, `milliseconds` how long the sound was that went in or out.
        """
        # A provider may count more cached tokens than input; a price is for the input there was.
        cached = min(usage.cached_input_tokens, usage.input_tokens)
        written = min(usage.cache_write_tokens, usage.input_tokens - cached)
        given, made = usage.input_tokens - cached - written, usage.output_tokens
        tier = self._tier(usage.input_tokens)
        pico = given * tier.input + made * tier.output
        if tier.apart is not None:
            pico += tier.beside(tier.apart, usage, given, cached, written)
        if cached or written:
            pico += cached * tier.cached_input + written * tier.cache_write
        if tier.rest is not None:
            pico += tier.below(given, made, cached, written)
        return self._nano(pico, images, milliseconds)

    def most(
        self, given: int, made: int, *, mixed: bool, images: int = 0, milliseconds: int = 0
    ) -> int:
        """What so many tokens cost at most, whatever they are; `mixed` input is not text alone."""
        tier = self._tier(given)
        dear, dear_made = tier.dearest(mixed=mixed)
        pico = given * dear + made * dear_made
        if tier.rest is not None:
            pico += tier.below(given, made, 0, 0)
        return self._nano(pico, images, milliseconds)

    def _nano(self, pico: int, images: int, milliseconds: int) -> int:
        """Nano-dollars of a call whose tokens cost so much."""
        pico += self.call * PICO_A_NANO
        if images:
            pico += images * self.image * PICO_A_NANO
        exact, unit = pico * self.factor, UNIT
        if milliseconds and self.minute:
            sound = milliseconds * self.minute * PICO_A_NANO * self.factor
            exact, unit = exact * MILLISECONDS_A_MINUTE + sound, unit * MILLISECONDS_A_MINUTE
        return min((2 * exact + unit) // (2 * unit), MOST_NANO)

    def _tier(self, input_tokens: int) -> Tier:
        found = self.tiers[0]
        for tier in self.tiers[1:]:
            if input_tokens > tier.above:
                found = tier
        return found


FREE = Price((Tier(0, 0, 0, 0, 0),), source="free")
