"""How each deployment does at the moment: calls in flight, speed and errors.

Kept in this process and merged with what other processes see through Valkey (`gossip.py`). A
deployment's name holds its integration's id, so what one workspace sees is never another's.
"""

import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

MOST_DEPLOYMENTS = 20_000
# What a new measurement weighs in its moving average.
NEW = 0.2
# After so many seconds an error rate has halved: a deployment that nobody asks is forgiven.
FORGIVEN_SECONDS = 30.0
# Below so many recent calls an error rate says nothing.
FEW = 3.0


@dataclass(slots=True)
class Outcome:
    """How an attempt ended.

    `ok` is None where it says nothing of the provider: the client left, or its request was bad.
    `cost` is in nano-dollars.
    """

    ok: bool | None
    first_token_ms: float | None = None
    duration_ms: float | None = None
    output_tokens: int = 0
    cost: int | None = None


@dataclass(slots=True)
class Stats:
    """Of one deployment: calls and errors fade with time, averages move with each call.

    What other processes see is kept beside what this one sees. Times are monotonic seconds.
    """

    in_flight: int = 0
    elsewhere: int = 0
    first_token_ms: float | None = None
    tokens_a_second: float | None = None
    output_tokens: float | None = None
    measured_at: float = 0.0
    ended_at: float = 0.0
    calls: float = 0.0
    errors: float = 0.0
    calls_elsewhere: float = 0.0
    errors_elsewhere: float = 0.0

    @property
    def load(self) -> int:
        return self.in_flight + self.elsewhere

    def error_rate(self, moment: float) -> float:
        """The share of recent calls that failed, everywhere; 0 where there were few."""
        if not self.errors and not self.errors_elsewhere:
            return 0.0
        calls, errors = self.own(moment)
        calls, errors = calls + self.calls_elsewhere, errors + self.errors_elsewhere
        return errors / calls if calls >= FEW else 0.0

    def own(self, moment: float) -> tuple[float, float]:
        """Recent calls and errors of this process."""
        left = 0.5 ** (max(0.0, moment - self.ended_at) / FORGIVEN_SECONDS)
        return self.calls * left, self.errors * left

    def count(self, moment: float, *, failed: bool) -> None:
        calls, errors = self.own(moment)
        self.calls, self.errors, self.ended_at = calls + 1, errors + failed, moment

    def measure(self, outcome: Outcome, moment: float) -> None:
        """Move the averages by an attempt that went well."""
        first, whole, written = outcome.first_token_ms, outcome.duration_ms, outcome.output_tokens
        if first is not None:
            self.first_token_ms = blend(self.first_token_ms, first)
            self.measured_at = moment
        if written:
            self.output_tokens = blend(self.output_tokens, written)
            if whole is not None and whole > (first or 0.0):
                speed = written * 1000 / (whole - (first or 0.0))
                self.tokens_a_second = blend(self.tokens_a_second, speed)

    def hear(self, in_flight: int, calls: float, errors: float) -> None:
        """What all other processes see now."""
        self.elsewhere, self.calls_elsewhere, self.errors_elsewhere = in_flight, calls, errors


IDLE = Stats()


class Board:
    """What this process knows of deployments. Everything here is sync and takes a microsecond."""

    def __init__(self) -> None:
        self._stats: OrderedDict[str, Stats] = OrderedDict()

    def of(self, deployment: str) -> Stats:
        """What is known of it; not to be changed."""
        return self._stats.get(deployment, IDLE)

    def began(self, deployment: str) -> None:
        """An attempt starts: it counts as in flight until `ended`, which must follow once."""
        self._own(deployment).in_flight += 1

    def ended(self, deployment: str, outcome: Outcome) -> None:
        """An attempt that `began` is over."""
        stats = self._own(deployment)
        if stats.in_flight:
            stats.in_flight -= 1
        if outcome.ok is not None:
            moment = time.monotonic()
            stats.count(moment, failed=not outcome.ok)
            if outcome.ok:
                stats.measure(outcome, moment)

    def every(self) -> Mapping[str, Stats]:
        return self._stats

    def known(self, deployment: str) -> Stats:
        """The same as `of`, to be changed; made where there is none."""
        return self._own(deployment)

    def _own(self, deployment: str) -> Stats:
        stats = self._stats.get(deployment)
        if stats is None:
            stats = self._stats[deployment] = Stats()
            if len(self._stats) > MOST_DEPLOYMENTS:
                self._drop_one()
        return stats

    def _drop_one(self) -> None:
        """Forget the one that was met first; one with calls under way goes to the end instead."""
        name, stats = self._stats.popitem(last=False)
        if stats.in_flight:
            self._stats[name] = stats


def blend(before: float | None, value: float) -> float:
    """A moving average's next value."""
    return value if before is None else before + NEW * (value - before)
