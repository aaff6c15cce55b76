"""What is known of one candidate at one category, and how a choice is drawn from it.

An arm holds two beliefs, each a Beta distribution: how well calls go (`run_`: success, and within
it latency and cost) and how well answers are rated (`rated_`: feedback and evaluations). Its score
is their mean by the route's weights. Ratings are rare; a belief of their own keeps the many calls
from drowning them.
"""

import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import NamedTuple

from app.inference.routing.spec import Learning

# What a belief starts from counts as so many observations.
PRIOR_WEIGHT = 2.0
INDIFFERENT = 0.5
FADING = ("pulls", "failures", "run_sum", "run_weight", "rated_sum", "rated_weight")


@dataclass(slots=True)
class Arm:
    """Faded sums of rewards and weights, and plain counts of what they came from."""

    pulls: float = 0.0
    failures: float = 0.0
    run_sum: float = 0.0
    run_weight: float = 0.0
    rated_sum: float = 0.0
    rated_weight: float = 0.0
    calls: int = 0
    errors: int = 0
    ratings: int = 0
    evaluations: int = 0

    def add(self, other: "Arm") -> None:
        for name in NAMES:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def fade(self, left: float) -> None:
        for name in FADING:
            setattr(self, name, getattr(self, name) * left)

    def values(self) -> dict[str, float]:
        return asdict(self)


NAMES = tuple(field.name for field in fields(Arm))
UNKNOWN = Arm()


class Belief(NamedTuple):
    """A Beta distribution."""

    alpha: float
    beta: float

    @property
    def mean(self) -> float:
        return self.alpha / (self.alpha + self.beta)

    @property
    def variance(self) -> float:
        whole = self.alpha + self.beta
        return self.alpha * self.beta / (whole * whole * (whole + 1))


def belief(total: float, weight: float, prior: float) -> Belief:
    """After `weight` observations that sum to `total`, from a prior mean."""
    prior = min(0.99, max(0.01, prior))
    # What is put right of an observation that has faded since may be more than is left of it.
    total = min(weight, max(0.0, total))
    good = PRIOR_WEIGHT * prior + total
    bad = PRIOR_WEIGHT * (1 - prior) + weight - total
    return Belief(good, bad)


class Posterior(NamedTuple):
    """What an arm is held to be worth: beliefs with the parts that they count for."""

    run: Belief
    rated: Belief
    run_part: float
    rated_part: float

    @property
    def mean(self) -> float:
        return self.run_part * self.run.mean + self.rated_part * self.rated.mean

    @property
    def deviation(self) -> float:
        run, rated = self.run.variance, self.rated.variance
        return float((self.run_part**2 * run + self.rated_part**2 * rated) ** 0.5)

    def sample(self, rng: random.Random) -> float:
        drawn = 0.0
        if self.run_part:
            drawn += self.run_part * rng.betavariate(self.run.alpha, self.run.beta)
        if self.rated_part:
            drawn += self.rated_part * rng.betavariate(self.rated.alpha, self.rated.beta)
        return drawn


def posteriors(
    arms: Mapping[str, Arm],
    candidates: Mapping[str, float | None],
    learning: Learning,
) -> dict[str, Posterior]:
    """What each candidate is worth; `candidates` has the quality it is held to have, if any.

    A candidate that nothing is known of starts from the mean of those that something is known of.
    Ratings count once there is one of any candidate, or a quality that one is held to have.
    """
    known = [arms.get(name, UNKNOWN) for name in candidates]
    runs = sum(arm.run_weight for arm in known)
    rated = sum(arm.rated_weight for arm in known)
    usual_run = sum(arm.run_sum for arm in known) / runs if runs else INDIFFERENT
    usual_rated = sum(arm.rated_sum for arm in known) / rated if rated else INDIFFERENT
    is_rated = rated > 0 or any(quality is not None for quality in candidates.values())
    run_part, rated_part = _parts(learning, is_rated)
    return {
        name: Posterior(
            belief(arm.run_sum, arm.run_weight, usual_run),
            belief(arm.rated_sum, arm.rated_weight, usual_rated if quality is None else quality),
            run_part,
            rated_part,
        )
        for (name, quality), arm in zip(candidates.items(), known, strict=True)
    }


def _parts(learning: Learning, is_rated: bool) -> tuple[float, float]:
    run = learning.success + learning.latency + learning.cost
    rated = learning.quality if is_rated else 0.0
    whole = run + rated
    return (run / whole, rated / whole) if whole else (1.0, 0.0)


def gain_of_call(
    ok: bool, first_token_ms: float | None, cost: int | None, learning: Learning
) -> Arm:
    """What a call teaches; `cost` in nano-dollars. A failed one is worth 0.

    A latency or a cost that nobody knows leaves its weight out.
    """
    if not ok:
        return Arm(pulls=1, failures=1, run_weight=1, calls=1, errors=1)
    good, weight = learning.success, learning.success
    if first_token_ms is not None:
        target = learning.latency_target_ms
        good += learning.latency * target / (target + first_token_ms)
        weight += learning.latency
    if cost is not None:
        good += learning.cost * learning.cost_target / (learning.cost_target + cost)
        weight += learning.cost
    reward = good / weight if weight else 1.0
    return Arm(pulls=1, run_sum=reward, run_weight=1, calls=1)


def gain_of_rating(score: float, *, evaluation: bool, before: float | None = None) -> Arm:
    """What a rating from -1 to 1 teaches; in the place of one `before`, only the difference."""
    if before is not None:
        return Arm(rated_sum=(score - before) / 2)
    counted = Arm(evaluations=1) if evaluation else Arm(ratings=1)
    counted.rated_sum, counted.rated_weight = (score + 1) / 2, 1.0
    return counted
