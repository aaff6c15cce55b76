"""Whether a candidate is better than a baseline on the same cases.

Each case gives one difference (its repeats are averaged before), so the pairs are independent. The
interval is the percentile bootstrap: the mean of as many differences drawn with replacement, many
times over, and the quantiles of these means. The p-value is of the two-sided sign-flip test: how
often a mean at least as far from 0 would come if the sign of each difference were a coin's. Up to
`EXACT` differences that are not 0 every choice of signs is counted, beyond that a sample of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np

RESAMPLES: Final = 10_000
FLIPS: Final = 10_000
EXACT: Final = 12
# Of one draw in memory: 2 million numbers.
MOST_DRAWN: Final = 2_000_000
# A seed of our own: the same results give the same figures.
SEED: Final = 20_261_122


@dataclass(frozen=True, slots=True)
class Effect:
    """By how much the candidate's mean is above the baseline's.

    `low` and `high` bound it with the `confidence` that was asked for; `p` is null without pairs.
    """

    pairs: int
    baseline: float
    candidate: float
    mean: float
    low: float
    high: float
    p: float | None


def paired(
    baseline: Sequence[float],
    candidate: Sequence[float],
    *,
    confidence: float = 0.95,
    seed: int = SEED,
    resamples: int = RESAMPLES,
) -> Effect:
    """The effect of the candidate; both have the scores of the same cases in the same order."""
    import numpy as np  # noqa: PLC0415 - tens of megabytes that few processes need

    first, second = np.asarray(baseline, dtype=float), np.asarray(candidate, dtype=float)
    if first.shape != second.shape:
        raise ValueError("both sides need a score for each case")
    if not first.size:
        return Effect(0, 0.0, 0.0, 0.0, 0.0, 0.0, None)
    differences = second - first
    drawn = np.random.default_rng(seed)
    means = _resampled(differences, drawn, resamples)
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, (tail, 1 - tail))
    return Effect(
        int(first.size),
        float(first.mean()),
        float(second.mean()),
        float(differences.mean()),
        float(low),
        float(high),
        _sign_flips(differences, drawn),
    )


def _resampled(
    differences: "np.ndarray", drawn: "np.random.Generator", resamples: int
) -> "np.ndarray":
    import numpy as np  # noqa: PLC0415

    size = differences.size
    at_once = max(1, MOST_DRAWN // size)
    means = [
        differences[drawn.integers(0, size, (min(at_once, resamples - start), size))].mean(axis=1)
        for start in range(0, resamples, at_once)
    ]
    return np.concatenate(means)


def _sign_flips(differences: "np.ndarray", drawn: "np.random.Generator") -> float:
    """The two-sided p-value; differences of 0 say nothing either way."""
    import numpy as np  # noqa: PLC0415

    moved = differences[differences != 0]
    if not moved.size:
        return 1.0
    # What rounding alone makes smaller than what was seen counts as it.
    seen = abs(moved.sum()) - 1e-12
    if moved.size <= EXACT:
        bits = np.arange(2**moved.size)[:, None] >> np.arange(moved.size)
        sums = np.abs((1 - 2 * (bits & 1)) @ moved)
        return float((sums >= seen).mean())
    extreme, at_once = 0, max(1, MOST_DRAWN // moved.size)
    for start in range(0, FLIPS, at_once):
        count = min(at_once, FLIPS - start)
        signs = drawn.integers(0, 2, (count, moved.size)) * 2 - 1
        extreme += int((np.abs(signs @ moved) >= seen).sum())
    return (extreme + 1) / (FLIPS + 1)
