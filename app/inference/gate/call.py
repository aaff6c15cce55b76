"""A call of a model on its way through the gate, as those who make it see it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from app.core.clock import now
from app.core.errors import AppError
from app.core.ids import new_text
from app.core.limits import Policy, Verdict
from app.inference.providers.types import Usage
from app.inference.routing.plan import Candidate
from app.inference.usage.extras import Extras, nothing
from app.inference.usage.payer import Payer


@dataclass(slots=True)
class Load:
    """What a call asks for: `input_tokens` as estimated, and what its row says of it.

    `max_output_tokens` (of each of the `answers`) is None where the request leaves it open;
    `operation` is the surface
    (`chat`, `embeddings`, `audio`, `images` …), `category` the kind of task that a route learns by.
    `images` and `milliseconds` (of sound) are what is paid for beside tokens, `extras` looks for
    what the input may come to beyond its estimate.
    """

    input_tokens: int
    max_output_tokens: int | None = None
    operation: str = "chat"
    dialect: str | None = None
    route: str | None = None
    category: str | None = None
    images: int = 0
    milliseconds: int = 0
    answers: int = 1
    extras: Callable[[], Extras] = nothing

    @property
    def most_output_tokens(self) -> int | None:
        """Of all the answers that are asked for."""
        most = self.max_output_tokens
        return None if most is None else most * self.answers


@dataclass(slots=True)
class Settlement:
    """How an attempt ended: `status` is `succeeded`, `failed`, `cancelled` or `interrupted`.

    Without `usage`, or where it is that of a part only, `output_tokens` is what was seen go by.
    `images` and `milliseconds` (of sound) are what was made or heard, beside tokens; `cost` in
    nano-dollars goes before what the candidate's price says. `findings` are those of guardrails.
    """

    status: str
    usage: Usage | None = None
    usage_is_partial: bool = False
    output_tokens: int = 0
    first_token_ms: int | None = None
    error: AppError | None = None
    images: int = 0
    milliseconds: int = 0
    cost: int | None = None
    findings: Sequence[Mapping[str, str]] = ()


class Bucket(NamedTuple):
    """A limit in tokens as the script is told: its key, microseconds a token, tokens if full."""

    key: str
    each: int
    most: int


@dataclass(frozen=True, slots=True)
class Terms:
    """What a request is under beside its budgets, for all its attempts.

    Limits in requests, those in `tokens` and their `buckets`; `slots` are keys of calls at once,
    and how many there may be.
    """

    requests: tuple[Policy, ...] = ()
    tokens: tuple[Policy, ...] = ()
    buckets: tuple[Bucket, ...] = ()
    slots: tuple[tuple[str, int], ...] = ()


NO_TERMS = Terms()


@dataclass(slots=True, eq=False)
class OpenCall:
    """One attempt of a request: admitted, not settled yet. `candidate` is who is to be asked.

    Ids are kept as text, since that is how nearly everyone wants them. `reserved` is in
    nano-dollars, None where nothing is reserved; `usage` and `cost` are set when it is settled.
    `most_output` is the longest answer that a hard budget leaves room for, where the request names
    none: the provider is to be told. The rest is the gate's own: how many tokens it took from each
    bucket of its terms, the budgets it holds, whether it is a breaker's probe, and how its row
    begins.
    """

    payer: Payer
    candidate: Candidate
    load: Load
    request_text: str
    attempt: int = 1
    id_text: str = field(default_factory=new_text)
    created_at: datetime = field(default_factory=now)
    settled: bool = False
    usage: Usage | None = None
    cost: int | None = None
    reserved: int | None = None
    most_output: int | None = None
    terms: Terms = NO_TERMS
    taken: int = 0
    budgets: tuple[str, ...] = ()
    breaker: str = ""
    probe: bool = False
    began: bytes = b""

    @property
    def id(self) -> UUID:
        return UUID(self.id_text)

    @property
    def request_id(self) -> UUID:
        return UUID(self.request_text)


@dataclass(slots=True)
class Admission:
    """The gate's yes: how the request stands with its limits, and the call that may be made."""

    verdict: Verdict
    call: OpenCall
