"""How alike two texts are, from 0 to 1, by their characters or by their words."""

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

# Levenshtein takes as long as the product of the lengths; more is cut.
MOST_CHARACTERS: Final = 4_000
MOST_WORDS: Final = 4_000
WORD: Final = re.compile(r"\w+")


def words(text: str) -> list[str]:
    """Lower case, without punctuation, as ROUGE has them."""
    return WORD.findall(text.lower())[:MOST_WORDS]


def levenshtein(first: str, second: str) -> float:
    """1 less the edit distance / the longer length."""
    first, second = first[:MOST_CHARACTERS], second[:MOST_CHARACTERS]
    longest = max(len(first), len(second))
    return 1.0 if not longest else 1 - edits(first, second) / longest


def edits(first: str, second: str) -> int:
    """How many insertions, deletions and changes make one text of the other (Myers, 1999).

    A column of the table is two whole numbers, a bit a row, so Python's own arithmetic does it.
    """
    if not first or not second:
        return len(first) or len(second)
    places: dict[str, int] = {}
    for row, character in enumerate(first):
        places[character] = places.get(character, 0) | 1 << row
    every, last = (1 << len(first)) - 1, 1 << len(first) - 1
    up, down, distance = every, 0, len(first)
    for character in second:
        match = places.get(character, 0) | down
        diagonal = (((match & up) + up) ^ up) | match
        right = down | ~(diagonal | up) & every
        left = diagonal & up
        distance += bool(right & last) - bool(left & last)
        right = (right << 1 | 1) & every
        up = (left << 1 & every) | ~(match & ~down | diagonal | right) & every
        down = right & diagonal
    return distance


def rouge_l(text: str, reference: str) -> float:
    """F1 of the longest common subsequence of words (Lin, 2004)."""
    found, wanted = words(text), words(reference)
    if not found or not wanted:
        return float(found == wanted)
    return f1(common_subsequence(found, wanted), len(found), len(wanted))


def common_subsequence(first: Sequence[str], second: Sequence[str]) -> int:
    """Its length, by the same trick (Hyyrö, 2004)."""
    places: dict[str, int] = {}
    for row, word in enumerate(first):
        places[word] = places.get(word, 0) | 1 << row
    every = (1 << len(first)) - 1
    state = every
    for word in second:
        match = state & places.get(word, 0)
        state = ((state + match) | (state - match)) & every
    return len(first) - state.bit_count()


def rouge_n(text: str, reference: str, n: int) -> float:
    """F1 of the runs of `n` words."""
    found, wanted = grams(words(text), n), grams(words(reference), n)
    shared = (found & wanted).total()
    if not found or not wanted:
        return float(words(text) == words(reference))
    return f1(shared, found.total(), wanted.total())


def bleu(text: str, reference: str) -> float:
    """BLEU-4 of one sentence; an order without a match counts as one half (Lin and Och, 2004)."""
    found, wanted = words(text), words(reference)
    if not found or not wanted:
        return float(found == wanted)
    orders = range(1, min(4, len(found)) + 1)
    total = 0.0
    for n in orders:
        have, want = grams(found, n), grams(wanted, n)
        total += math.log(max((have & want).total(), 0.5) / have.total())
    short = min(0.0, 1 - len(wanted) / len(found))
    return math.exp(total / len(orders) + short)


def gleu(text: str, reference: str) -> float:
    """The smaller of precision and recall over runs of 1 to 4 words (Wu et al., 2016)."""
    found, wanted = words(text), words(reference)
    have, want = Counter[tuple[str, ...]](), Counter[tuple[str, ...]]()
    for n in range(1, 5):
        have, want = have + grams(found, n), want + grams(wanted, n)
    longer = max(have.total(), want.total())
    return (have & want).total() / longer if longer else 1.0


def grams(told: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(told[at : at + n]) for at in range(len(told) - n + 1))


def f1(shared: int, found: int, wanted: int) -> float:
    if not shared:
        return 0.0
    precision, recall = shared / found, shared / wanted
    return 2 * precision * recall / (precision + recall)


def _rouge(n: int) -> Callable[[str, str], float]:
    return lambda text, reference: rouge_n(text, reference, n)


METRICS: Final[dict[str, Callable[[str, str], float]]] = {
    "levenshtein": levenshtein,
    "rouge_l": rouge_l,
    "bleu": bleu,
    "gleu": gleu,
    **{f"rouge_{n}": _rouge(n) for n in range(1, 6)},
}
