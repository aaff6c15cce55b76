"""How far two raters agree, beyond what chance alone would give."""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Agreement:
    """`accuracy` is the share of the examples that both rate alike.

    `kappa` is Cohen's κ: 1 for full agreement, 0 for what chance gives, below it for less; null
    where it is not defined: where both give one and the same label to every example.
    """

    examples: int
    accuracy: float
    kappa: float | None


def agreement(given: Sequence[Hashable], right: Sequence[Hashable]) -> Agreement:
    """How far what was `given` agrees with what is `right`, example by example."""
    pairs = list(zip(given, right, strict=True))
    if not pairs:
        return Agreement(0, 0.0, None)
    count = len(pairs)
    observed = sum(first == second for first, second in pairs) / count
    firsts, seconds = Counter(first for first, _ in pairs), Counter(second for _, second in pairs)
    expected = sum(firsts[label] * seconds[label] for label in firsts) / count**2
    kappa = None if expected == 1 else (observed - expected) / (1 - expected)
    return Agreement(count, observed, kappa)
