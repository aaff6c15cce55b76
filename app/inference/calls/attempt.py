"""One asking of one candidate, and what was seen of its answer."""

import time
from dataclasses import dataclass, field

from app.inference.dialects.dialect import OnGoing
from app.inference.gate.call import OpenCall
from app.inference.integrations.directory import Target
from app.inference.providers.types import Usage
from app.inference.routing.plan import Candidate


@dataclass(slots=True)
class Attempt:
    """`output_tokens` is an estimate of what came, for a provider that gives no count.

    `images` and `milliseconds` (of sound) are what is paid for beside tokens; `usage_is_partial`
    marks a count of only a part of the answer. `on_going` is an answer that does not end with us.
    """

    call: OpenCall
    number: int
    began: float = field(default_factory=time.perf_counter)
    first_token_ms: int | None = None
    usage: Usage | None = None
    usage_is_partial: bool = False
    output_tokens: int = 0
    images: int = 0
    milliseconds: int = 0
    on_going: OnGoing | None = None
    over: bool = False

    @property
    def candidate(self) -> Candidate:
        return self.call.candidate

    @property
    def target(self) -> Target:
        return self.call.candidate.target

    @property
    def duration_ms(self) -> float:
        return (time.perf_counter() - self.began) * 1000

    def mark_first_token(self) -> None:
        self.first_token_ms = round(self.duration_ms)
