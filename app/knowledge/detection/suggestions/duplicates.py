"""Entries that say what another one says."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from app.knowledge.detection.suggestions.items import Item, Proof, Suggested

LEAST: Final = 0.7
# Definitions as near as this say one thing whatever the terms; those of one word's different
# senses are farther apart than FAR.
NEAR: Final = 0.9
FAR: Final = 0.35
# Of two terms, by their trigrams.
SIMILAR: Final = 0.75
MOST_PROOFS: Final = 6
# A word that more entries than this share tells nothing of duplicates.
MOST_HOMOGRAPHS: Final = 50


class Terms:
    """Entries by their terms, and by the trigrams of these."""

    def __init__(self, items: Sequence[Item]) -> None:
        self._by_term: dict[tuple[str, str], list[Item]] = defaultdict(list)
        for item in items:
            for term in item.terms:
                self._by_term[term].append(item)

    def sharing(self, item: Item) -> dict[Item, list[str]]:
        """The entries that have a term of this one, with these terms."""
        found: dict[Item, list[str]] = defaultdict(list)
        for term in sorted(item.terms):
            others = self._by_term[term]
            if len(others) <= MOST_HOMOGRAPHS:
                for other in others:
                    if other is not item:
                        found[other].append(term[1])
        return found


def suggest(
    item: Item, sharing: Mapping[Item, Sequence[str]], near: Iterable[tuple[Item, float]]
) -> list[Suggested]:
    """The entries that this one duplicates; of two, the later one is said to duplicate."""
    similarity = dict(near)
    found = []
    for other in {**dict.fromkeys(sharing), **dict.fromkeys(similarity)}:
        if other.entry_id >= item.entry_id:
            continue
        alike = similarity.get(other)
        each = _weighed(item, other, sharing.get(other, ()), alike)
        if each is not None and each.score >= LEAST:
            found.append(each)
    return sorted(found, key=lambda each: (-each.score, each.mark))[:MOST_PROOFS]


def _weighed(
    item: Item, other: Item, shared: Sequence[str], alike: float | None
) -> Suggested | None:
    proofs = [Proof("same_term", 1.0, other.entry_id, term) for term in shared[:MOST_PROOFS]]
    terms, pair = (1.0, "") if shared else _most_similar(item, other)
    if not shared and terms >= SIMILAR:
        proofs.append(Proof("similar_term", round(terms, 4), other.entry_id, pair))
    both = item.defined and other.defined
    if both and alike is not None:
        proofs.append(Proof("near_definition", round(alike, 4), other.entry_id, other.name))
    if not proofs:
        return None
    score = _score(terms, alike if both else None, both=both)
    return Suggested(item.entry_id, round(score, 4), other_entry_id=other.entry_id, proofs=proofs)


def _score(terms: float, alike: float | None, *, both: bool) -> float:
    """Same words of different meaning are no duplicates; the same meaning in other words is one."""
    if not both:
        # One of them says nothing of itself: the words alone speak, and never quite convince.
        return 0.8 * terms if terms >= SIMILAR else 0.0
    meaning = max(0.0, min(1.0, ((alike or 0.0) - FAR) / (NEAR - FAR)))
    if terms >= SIMILAR:
        return 0.4 * terms + 0.6 * meaning
    return 0.9 * meaning if (alike or 0.0) >= NEAR else 0.0


def _most_similar(item: Item, other: Item) -> tuple[float, str]:
    """How alike the most similar terms of one language are, and which they are."""
    pairs = (
        (trigrams(one, two), f"{one} ~ {two}")
        for language, one in item.terms
        for tongue, two in other.terms
        if language == tongue
    )
    return max(pairs, default=(0.0, ""))


def trigrams(one: str, two: str) -> float:
    """How much two terms share of their trigrams (Jaccard)."""
    first, second = _trigrams(one), _trigrams(two)
    return len(first & second) / len(first | second)


def _trigrams(term: str) -> set[str]:
    padded = f"  {term} "
    return {padded[at : at + 3] for at in range(len(padded) - 2)}
