"""How good a ranked list is, and whether one way of ranking is better than another."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

RESAMPLES: Final = 2_000
# A seed of our own: the same evaluation gives the same interval.
SEED: Final = 20_261_121
INTERVAL: Final = (0.025, 0.975)
FIGURES: Final = ("recall", "reciprocal_rank", "ndcg")


@dataclass(frozen=True, slots=True)
class Measured:
    """How one question was answered; all three are from 0 to 1."""

    recall: float
    reciprocal_rank: float
    ndcg: float


@dataclass(frozen=True, slots=True)
class Difference:
    """By how much the second is better, and the interval that holds 95 % of the resamples."""

    mean: float
    low: float
    high: float


def keys_of(found: Sequence[tuple[UUID, UUID]], relevant: Mapping[UUID, int]) -> list[UUID]:
    """What was found, as (passage, subject), in the ids that are judged, each once.

    A passage that is not judged itself stands for its document, entry or message.
    """
    keys = [passage if passage in relevant else subject for passage, subject in found]
    return list(dict.fromkeys(keys))


def measure(keys: Sequence[UUID], relevant: Mapping[UUID, int], k: int) -> Measured:
    """Recall, reciprocal rank and nDCG of the first `k`; `relevant` has grades from 1 on."""
    top = keys[:k]
    hits = [rank for rank, key in enumerate(top, start=1) if key in relevant]
    gained = sum(_gain(relevant[key]) / _discount(rank) for rank, key in enumerate(top, 1)
                 if key in relevant)  # fmt: skip
    best = sorted(relevant.values(), reverse=True)[:k]
    possible = sum(_gain(grade) / _discount(rank) for rank, grade in enumerate(best, start=1))
    return Measured(
        len(hits) / len(relevant),
        1 / hits[0] if hits else 0.0,
        gained / possible,
    )


def mean(measured: Sequence[Measured]) -> dict[str, float]:
    """The mean of each figure; of no question 0."""
    count = max(len(measured), 1)
    return {name: sum(getattr(each, name) for each in measured) / count for name in FIGURES}


def compare(first: Sequence[Measured], second: Sequence[Measured]) -> dict[str, Difference]:
    """The differences question by question, resampled (paired bootstrap)."""
    import numpy as np  # noqa: PLC0415 - tens of megabytes that few processes need

    if not first:
        return {name: Difference(0.0, 0.0, 0.0) for name in FIGURES}
    drawn = np.random.default_rng(SEED).integers(0, len(first), (RESAMPLES, len(first)))
    found = {}
    for name in FIGURES:
        pairs = zip(first, second, strict=True)
        differences = np.array([getattr(b, name) - getattr(a, name) for a, b in pairs])
        low, high = np.quantile(differences[drawn].mean(axis=1), INTERVAL)
        found[name] = Difference(float(differences.mean()), float(low), float(high))
    return found


def _gain(grade: int) -> float:
    return 2.0**grade - 1


def _discount(rank: int) -> float:
    return math.log2(rank + 1)
