"""The outcome of routing: candidates in the order in which they are tried, and why."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from app.inference.integrations.directory import Target
from app.inference.prices.price import Price
from app.inference.usage.extras import Extras, nothing

OnSeam = Literal["continue", "fail"]
OnRefusal = Literal["pass", "next"]


@dataclass(slots=True)
class Question:
    """What routing must know of a request.

    `sticky` is what a conversation is recognised by (its id, or a digest of how its prompt begins),
    `needs` names capabilities (`vision`, `tools`, `structured_output`, `reasoning`, `files`,
    `audio`), `text` is what it is about, for its category. `route` is a route (or a model) that a
    header names and goes before `model`; `agent_route` what the agent says where the request and
    its key leave it open. `explored` false keeps an adaptive route to what it holds for best.
    `service_tier` may have a price of its own; `answers` is how many are asked for, `images` and
    `milliseconds` (of sound) what is paid for beside tokens; `extras` looks for what else its input
    may come to, where somebody must know. `reading` gives `sticky` and `text` where nobody has
    looked yet: most routes go by neither.
    """

    model: str | None
    input_tokens: int = 0
    max_output_tokens: int | None = None
    needs: frozenset[str] = frozenset()
    sticky: str | None = None
    text: str = ""
    dialect: str | None = None
    route: str | None = None
    agent_route: str | None = None
    explored: bool = True
    service_tier: str | None = None
    answers: int = 1
    images: int = 0
    milliseconds: int = 0
    extras: Callable[[], Extras] = nothing
    reading: Callable[[], tuple[str | None, str]] | None = None

    def read(self) -> None:
        """Have `sticky` and `text` read out of the request, where that was left for later."""
        reading, self.reading = self.reading, None
        if reading is not None:
            self.sticky, self.text = reading()


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds; None takes the operator's setting."""

    connect: float | None = None
    first_token: float | None = None
    between_tokens: float | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A deployment that may answer. `price` is None where nobody knows one.

    `deployment` is what breakers and statistics go by: one integration's one model. `window` is how
    many tokens it reads, `longest` how many it writes at most; None where nobody says. `memo` is
    where others keep what they have worked out of it, by names of their own.
    """

    target: Target
    price: Price | None = None
    weight: float = 1.0
    timeouts: Timeouts = field(default_factory=Timeouts)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    window: int | None = None
    longest: int | None = None
    deployment: str = field(init=False, repr=False, compare=False)
    memo: dict[str, Any] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        name = f"{self.target.endpoint.integration_id or 'demo'}:{self.target.model}"
        object.__setattr__(self, "deployment", name)


@dataclass(frozen=True, slots=True)
class Passed:
    """A candidate that is not taken, with a code and a sentence why."""

    reference: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Failover:
    """What happens when a candidate fails; times in seconds.

    `retries` are of one candidate, before its first token. With `hedge_after`, a second candidate
    is asked when the first has not begun by then, and the slower one is dropped.
    """

    retries: int = 1
    hedge_after: float | None = None
    mid_stream: OnSeam = "continue"
    on_content_filter: OnRefusal = "pass"
    most_attempts: int = 6


@dataclass(slots=True)
class Plan:
    """How a request is to be answered: `candidates` in order, then those for a context overflow.

    `route` is the name of the route taken, None where a model was named. `category` is the kind of
    task that an adaptive route learns by.
    """

    candidates: tuple[Candidate, ...]
    route: str | None = None
    route_id: str | None = None
    strategy: str = "ordered"
    category: str | None = None
    passed: tuple[Passed, ...] = ()
    on_overflow: tuple[Candidate, ...] = ()
    failover: Failover = field(default_factory=Failover)
