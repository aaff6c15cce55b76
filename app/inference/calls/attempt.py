"""One asking of one candidate, and what was seen of its answer."""

import time

from app.inference.dialects.dialect import OnGoing
from app.inference.gate.call import OpenCall
from app.inference.providers.types import Usage


class Attempt:
    """`output_tokens` is an estimate of what came, for a provider that gives no count.

    `images` and `milliseconds` (of sound) are what is paid for beside tokens; `usage_is_partial`
    marks a count of only a part of the answer. `on_going` is an answer that does not end with us.
    """

    __slots__ = (
        "began", "call", "candidate", "first_token_ms", "images", "milliseconds", "number",
        "on_going", "output_tokens", "over", "target", "usage", "usage_is_partial",
    )  # fmt: skip

    def __init__(self, call: OpenCall, number: int) -> None:
        self.call = call
        self.number = number
        self.candidate = call.candidate
        self.target = call.candidate.target
        self.began = time.perf_counter()
        self.first_token_ms: int | None = None
        self.usage: Usage | None = None
        self.usage_is_partial = False
        self.output_tokens = 0
        self.images = 0
        self.milliseconds = 0
        self.on_going: OnGoing | None = None
        self.over = False

    @property
    def duration_ms(self) -> float:
        return (time.perf_counter() - self.began) * 1000

    def mark_first_token(self) -> None:
        self.first_token_ms = round((time.perf_counter() - self.began) * 1000)
