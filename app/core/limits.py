"""Rate limits as values: what is allowed to whom, and how a request stands; see `core.limiter`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final, NamedTuple

import orjson

from app.core.errors import TooManyRequests, Unavailable

MICROSECONDS: Final = 1_000_000
MAX_REQUESTS: Final = 1_000_000
MAX_SECONDS: Final = 86_400
MAX_PER_SECOND: Final = 100_000
MAX_TOKENS: Final = 10_000_000_000
MAX_TOKENS_PER_SECOND: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `requests` within `seconds`, under a name that the client reads in the headers.

    `told` is what it says of itself there (an item of `RateLimit-Policy`), `microseconds_each` how
    long one request takes to come back.
    """

    unit: ClassVar[str] = "requests"

    name: str
    requests: int
    seconds: int
    told: bytes = field(init=False, repr=False, compare=False)
    microseconds_each: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 1 <= self.requests <= MAX_REQUESTS or not 1 <= self.seconds <= MAX_SECONDS:
            raise ValueError(
                f"a limit is 1 to {MAX_REQUESTS} requests within 1 to {MAX_SECONDS} seconds"
            )
        if self.requests > self.seconds * MAX_PER_SECOND:
            raise ValueError(f"a limit is at most {MAX_PER_SECOND} requests a second")
        self._derive()

    def _derive(self) -> None:
        told = f'"{self.name}";q={self.requests};w={self.seconds}'
        object.__setattr__(self, "told", told.encode())
        each = self.seconds * MICROSECONDS // self.requests
        object.__setattr__(self, "microseconds_each", each)

    def left(self, full: int) -> int:
        """How many are left of a bucket that will be full in so many microseconds."""
        return self.requests + -full // self.microseconds_each


@dataclass(frozen=True, slots=True)
class TokenLimit(Limit):
    """At most so many tokens (`requests`) within `seconds`."""

    unit: ClassVar[str] = "tokens"

    def __post_init__(self) -> None:
        if not 1 <= self.requests <= MAX_TOKENS or not 1 <= self.seconds <= MAX_SECONDS:
            raise ValueError(
                f"a limit is 1 to {MAX_TOKENS} tokens within 1 to {MAX_SECONDS} seconds"
            )
        if self.requests > self.seconds * MAX_TOKENS_PER_SECOND:
            raise ValueError(f"a limit is at most {MAX_TOKENS_PER_SECOND} tokens a second")
        self._derive()


def parse_limit(name: str, text: str) -> Limit | None:
    """`600/60` as a Limit, `off` as None; raises ValueError with a sentence."""
    if text.strip().lower() == "off":
        return None
    requests, _, seconds = text.partition("/")
    if not (_is_count(requests) and _is_count(seconds)):
        raise ValueError("write requests/seconds, as in 600/60, or `off`")
    return Limit(name, int(requests), int(seconds))


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 9


@dataclass(frozen=True, slots=True)
class Policy:
    """A limit, whom it is applied to (`user:<id>`), and how much of it is taken at once.

    `key` is its bucket: another limit for the same subject starts with a full one. `wire` is what
    the limiter's script is told. A cost beyond a full bucket takes the whole of it.
    """

    limit: Limit
    subject: str
    cost: int = 1
    key: str = field(init=False, repr=False, compare=False)
    wire: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        limit = self.limit
        key = f"limit:{limit.name}:{limit.requests}/{limit.seconds}:{self.subject}"
        taken = min(self.cost, limit.requests)
        wire = orjson.dumps([key, limit.microseconds_each, limit.requests, taken])
        object.__setattr__(self, "key", key)
        object.__setattr__(self, "wire", wire)


class Standing(NamedTuple):
    """How a policy stands after a request: what is `left`, and the seconds until it is full."""

    limit: Limit
    left: int
    reset_seconds: float
    retry_seconds: float = 0.0
    refused: bool = False


class Verdict(NamedTuple):
    """What the limiter says of one request, policy by policy; one that refuses is enough.

    `standing` are the microseconds until each bucket is full. `short` of a request that is refused
    are those until each has what is asked for.
    """

    policies: Sequence[Policy] = ()
    standing: Sequence[int] = ()
    short: Sequence[int] = ()

    @property
    def refused(self) -> bool:
        return bool(self.short)

    @property
    def standings(self) -> tuple[Standing, ...]:
        return tuple(map(self._standing, range(len(self.policies))))

    @property
    def tightest(self) -> Standing | None:
        """The policy that will refuse first."""
        return min(self.standings, key=_room, default=None)

    def _standing(self, place: int) -> Standing:
        full = self.standing[place]
        wait = self.short[place] if self.short else 0
        limit = self.policies[place].limit
        return Standing(limit, limit.left(full), full / MICROSECONDS, wait / MICROSECONDS, wait > 0)

    def refusal(self) -> "RateLimited":
        refusing = [standing for standing in self.standings if standing.refused]
        return RateLimited(max(refusing, key=lambda standing: standing.retry_seconds))


def _room(standing: Standing) -> tuple[int, float]:
    return standing.left, -standing.retry_seconds


class RateLimited(TooManyRequests):
    """A rate limit of this service is used up; `Retry-After` says when there is room again."""

    code = "rate_limited"
    title = "Too many requests"

    def __init__(self, standing: Standing) -> None:
        limit = standing.limit
        super().__init__(
            f"The limit `{limit.name}` of {limit.requests} {limit.unit} within {limit.seconds} "
            "seconds is used up.",
            retry_after=standing.retry_seconds,
        )


class LimiterUnavailable(Unavailable):
    """A call that is never served unlimited, while the store that counts does not answer."""

    code = "limiter_unavailable"
    title = "This call cannot be counted now"
