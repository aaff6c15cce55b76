"""Subject fields that an entry could have, by those of the entries that are like it."""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from app.knowledge.detection.suggestions.items import Item, Proof, Suggested

MOST_FIELDS: Final = 3
MOST_PROOFS: Final = 5
# Fields that words are compared with; rarer ones are suggested by what is near alone.
MOST_COMMON: Final = 500
# What an entry that has no field yet must reach, and one that has some.
LEAST: Final = 0.4
LEAST_MORE: Final = 0.7
# Of the score: what near entries say, and what words say. A similarity of SURE counts whole.
NEAR: Final = 0.75
SURE: Final = 0.6


class Fields:
    """The words of each subject field, counted over the entries that have it."""

    def __init__(self, items: Sequence[Item]) -> None:
        self._shown: dict[str, str] = {}
        self._entries: Counter[str] = Counter()
        self._words: Mapping[str, Counter[str]] = defaultdict(Counter)
        self._everywhere: Counter[str] = Counter()
        self._count = len(items)
        for item in items:
            self._everywhere.update(item.bag)
            for field in item.fields:
                self._shown.setdefault(field.casefold(), field)
                self._entries[field.casefold()] += 1
                self._words[field.casefold()].update(item.bag)
        common = [field for field, _ in self._entries.most_common(MOST_COMMON)]
        self._words = {field: self._words[field] for field in common}

    def suggest(self, item: Item, near: Sequence[tuple[Item, float]]) -> list[Suggested]:
        """`near` are the entries most like it, with their similarity; the best first."""
        own = {field.casefold() for field in item.fields}
        votes: dict[str, list[tuple[Item, float]]] = defaultdict(list)
        total = 0.0
        for other, similarity in near:
            if other.fields:
                total += similarity
            for field in other.fields:
                votes[field.casefold()].append((other, similarity))
        words = self._by_words(item)
        found = [
            self._weighed(item, field, votes.get(field, ()), total, words)
            for field in {*votes, *words}
            if field not in own
        ]
        least = LEAST_MORE if own else LEAST
        kept = [each for each in found if each.score >= least]
        return sorted(kept, key=lambda each: (-each.score, each.mark))[:MOST_FIELDS]

    def _weighed(
        self,
        item: Item,
        field: str,
        votes: Sequence[tuple[Item, float]],
        total: float,
        words: Mapping[str, tuple[float, list[str]]],
    ) -> Suggested:
        share = sum(similarity for _, similarity in votes) / total if total else 0.0
        strength = min(1.0, max((similarity for _, similarity in votes), default=0.0) / SURE)
        lexical, shared = words.get(field, (0.0, []))
        # Where nothing is near, and no model was asked, words stand alone.
        score = NEAR * share * strength + (1 - NEAR) * lexical if total else lexical
        proofs = [
            Proof("near_entry", round(similarity, 4), other.entry_id, other.name)
            for other, similarity in votes[:MOST_PROOFS]
        ]
        if shared:
            proofs.append(Proof("words", round(lexical, 4), None, ", ".join(shared)))
        shown = self._shown[field]
        return Suggested(item.entry_id, round(score, 4), value=shown, proofs=proofs)

    def _by_words(self, item: Item) -> dict[str, tuple[float, list[str]]]:
        """How much of an entry's words each field has, the rare ones counting more."""
        # A word that no other entry has says nothing; a few that others have do not say all.
        weights = {
            word: math.log((1 + self._count) / self._everywhere[word])
            for word in item.bag
            if self._everywhere[word] > 1
        }
        total = sum(weights.values()) + 1
        found = {}
        for field, known in self._words.items():
            mine = item.bag if any(each.casefold() == field for each in item.fields) else ()
            shared = [word for word in weights if known[word] > (1 if word in mine else 0)]
            if shared:
                ordered = sorted(shared, key=lambda word: (-weights[word], word))
                found[field] = (
                    sum(weights[word] for word in shared) / total,
                    ordered[:MOST_PROOFS],
                )
        return found
