"""The strategies: each gives every candidate a score, and the lowest is asked first.

`doubtful` candidates (a needed capability is not known of them) come after all others, and where a
strategy looks at how candidates do, failing ones come last.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from math import inf, log
from typing import Final

from app.inference.prices.money import NANO
from app.inference.routing.board import Board
from app.inference.routing.entry import Entry, expected_cost
from app.inference.routing.plan import Question

# From this share of failures on, a candidate is left by conversations and by the quickest.
FAILING: Final = 0.5
# A latency that nobody has measured for so long is measured again, by one request in so many.
STALE_SECONDS: Final = 60.0
REVISITED: Final = 0.05
SCALE: Final = float(1 << 64)
LAST: Final = 1e300
# What cheapness may add to a quality: less than any two qualities lie apart.
CHEAPNESS: Final = 1e-6
MOST_DOLLARS: Final = 1000.0


@dataclass(slots=True)
class Situation:
    """What a strategy may look at."""

    question: Question
    board: Board
    rng: random.Random
    sticky: bool = False
    moment: float = field(default_factory=time.monotonic)


# A place in the order: doubtful, failing, score, tie break, index.
Place = tuple[bool, bool, float, float, int]
Score = Callable[[Entry, Situation], float]


def draw(weight: float, chance: float) -> float:
    """A score by which the lowest wins in proportion to the weights, given an even `chance`."""
    return -log(chance or 1e-300) / weight if weight else LAST


def even(sticky: str, deployment: str) -> float:
    """A number in (0, 1) that only this conversation and this deployment have."""
    digest = blake2b(f"{sticky}\0{deployment}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest) + 0.5) / SCALE


def rank(strategy: str, entries: tuple[Entry, ...], situation: Situation) -> list[Place]:
    """The places of all entries, the first one first."""
    by_conversation = situation.sticky and situation.question.sticky is not None
    score = SCORES[strategy]
    if by_conversation and strategy in SPREADING:
        score = _by_conversation
    watches = strategy in WATCHING or by_conversation
    places = [
        (
            entry.doubtful,
            watches and fails(entry, situation),
            score(entry, situation),
            _tie(entry, situation, by_conversation),
            entry.index,
        )
        for entry in entries
    ]
    places.sort()
    return places


def fails(entry: Entry, situation: Situation) -> bool:
    return situation.board.of(entry.deployment).error_rate(situation.moment) >= FAILING


def _tie(entry: Entry, situation: Situation, by_conversation: bool) -> float:
    """Among equals a conversation stays where it is, and everything else is spread."""
    if by_conversation:
        return even(situation.question.sticky or "", entry.deployment)
    return situation.rng.random()


def _ordered(entry: Entry, _: Situation) -> float:
    return float(entry.index)


def _weighted(entry: Entry, situation: Situation) -> float:
    return draw(entry.candidate.weight, situation.rng.random())


def _by_conversation(entry: Entry, situation: Situation) -> float:
    """Weighted rendezvous hashing: another candidate takes only its own part of conversations."""
    sticky = situation.question.sticky
    if sticky is None:
        return _weighted(entry, situation)
    return draw(entry.candidate.weight, even(sticky, entry.deployment))


def _least_busy(entry: Entry, situation: Situation) -> float:
    weight = entry.candidate.weight
    return situation.board.of(entry.deployment).load / weight if weight else LAST


def _lowest_latency(entry: Entry, situation: Situation) -> float:
    """Milliseconds to the first token. One that nobody knows is tried by one request at a time."""
    stats = situation.board.of(entry.deployment)
    if stats.first_token_ms is None:
        return -1.0 if not stats.load else LAST
    old = situation.moment - stats.measured_at > STALE_SECONDS and not stats.load
    if old and situation.rng.random() < REVISITED:
        return -0.5
    return stats.first_token_ms


def _lowest_cost(entry: Entry, situation: Situation) -> float:
    cost = cost_of(entry, situation)
    return inf if cost is None else float(cost)


def cost_of(entry: Entry, situation: Situation) -> int | None:
    """Nano-dollars that this request is expected to cost there."""
    question, stats = situation.question, situation.board.of(entry.deployment)
    return expected_cost(
        entry, question.input_tokens, question.max_output_tokens, stats.output_tokens
    )


def _best_quality(entry: Entry, situation: Situation) -> float:
    """The constraints keep out what is too dear; of two equally good ones the cheaper is better.

    A candidate without a quality counts as 0.
    """
    cost = cost_of(entry, situation)
    dear = 1.0 if cost is None else min(1.0, cost / NANO / MOST_DOLLARS)
    return dear * CHEAPNESS - (entry.quality or 0.0)


def _tightest_fit(entry: Entry, situation: Situation) -> float:
    """The fewest abilities that are not asked for, and then the shortest context that is enough."""
    spare = len(entry.facts.can - situation.question.needs)
    return spare + (entry.facts.context or 10_000_000) / 1e9


SCORES: Final[dict[str, Score]] = {
    "ordered": _ordered,
    "weighted": _weighted,
    "least_busy": _least_busy,
    "lowest_latency": _lowest_latency,
    "lowest_cost": _lowest_cost,
    "quality_within_price": _best_quality,
    "capability": _tightest_fit,
    "sticky": _by_conversation,
}
# Where any candidate would do, so that a conversation may as well stay with one.
SPREADING: Final = frozenset({"weighted", "least_busy", "lowest_latency", "sticky"})
# What goes by how candidates do at the moment leaves one that fails.
WATCHING: Final = frozenset({"least_busy", "lowest_latency", "sticky"})
