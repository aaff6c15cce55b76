"""From evidence to probabilities: a softmax whose weights were fitted on texts of known senses.

`scripts/bench/senses.py --fit` prints these weights from the training half of the set in
`tests/knowledge/detection/ambiguous`; the test half checks them.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.knowledge.detection.senses.profiles import Profile


@dataclass(frozen=True, slots=True)
class Weights:
    """What one unit of cosine similarity, and of shared words, adds to a sense's log odds."""

    cosine: float
    words: float


# The local model knows English; of other languages it says little, and words say more.
BY_LANGUAGE: Final = {"en": Weights(21.3, 2.4)}
OTHERS: Final = Weights(0.4, 7.6)
WORDS_ONLY: Final = Weights(0.0, 4.4)


def weights_of(language: str) -> Weights:
    """Where a text is embedded."""
    return BY_LANGUAGE.get(language.partition("-")[0], OTHERS)


def shared_words(context: frozenset[str], profiles: Sequence[Profile]) -> list[float]:
    """How much a context shares with each sense; a word counts for what it tells them apart."""
    shared = [context & profile.bag for profile in profiles]
    have = Counter(word for words in shared for word in words)
    return [
        math.log1p(sum(math.log(len(profiles) / have[word]) for word in words)) for words in shared
    ]


def probabilities(
    profiles: Sequence[Profile],
    words: Sequence[float],
    cosines: Sequence[float] | None,
    weights: Weights,
) -> list[float]:
    """One a sense, together 1.

    A concept that says nothing of itself has no cosine: it gets what the others have on average.
    """
    near = list(cosines or [0.0] * len(profiles))
    told = [value for value, profile in zip(near, profiles, strict=True) if profile.known]
    mean = sum(told) / len(told) if told else 0.0
    scores = [
        weights.cosine * (value if profile.known else mean)
        + weights.words * shared
        + math.log(profile.prior)
        for value, shared, profile in zip(near, words, profiles, strict=True)
    ]
    highest = max(scores)
    powers = [math.exp(score - highest) for score in scores]
    return [power / sum(powers) for power in powers]
