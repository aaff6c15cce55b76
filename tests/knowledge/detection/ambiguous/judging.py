"""Runs the chooser of senses on the set, and tells how often it is right, and how sure."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from app.inference.embeddings.embedder import Embedder
from app.knowledge.detection.matching.lexicon import build
from app.knowledge.detection.matching.spans import find
from app.knowledge.detection.senses.choosing import How, choose
from app.knowledge.detection.senses.profiles import Profile, profile_of
from app.knowledge.detection.senses.vectors import KeptVectors
from tests.knowledge.detection.terms import Row

FOLDER = Path(__file__).parent
LANGUAGES = ("en", "de")


@dataclass(frozen=True)
class Concept:
    """A sense of the set, as an entry of a dictionary would have it."""

    entry_id: UUID
    subject_fields: tuple[str, ...]
    definitions: tuple[tuple[str, str], ...]
    terms: tuple[tuple[str, str], ...]
    examples: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Sentence:
    text: str
    sense: UUID
    split: str


@dataclass(frozen=True)
class Word:
    term: str
    language: str
    concepts: tuple[Concept, ...]
    sentences: tuple[Sentence, ...]

    def of(self, split: str) -> list[Sentence]:
        return [sentence for sentence in self.sentences if sentence.split == split]

    def counts(self) -> Counter[UUID]:
        """How often each sense is meant in the training half."""
        return Counter(sentence.sense for sentence in self.of("train"))


@dataclass
class Judged:
    """Answers on sentences: (word, right sense, chosen sense, how sure)."""

    answers: list[tuple[str, UUID, UUID, float]] = field(default_factory=list)

    @property
    def accuracy(self) -> float:
        return sum(right == chosen for _, right, chosen, _ in self.answers) / len(self.answers)

    @property
    def f1(self) -> float:
        """Macro-averaged over all senses that are meant or chosen: rare ones count as much."""
        hits, meant, chosen = Counter(), Counter(), Counter()
        for _, right, choice, _ in self.answers:
            meant[right] += 1
            chosen[choice] += 1
            hits[right] += right == choice
        senses = set(meant) | set(chosen)
        return sum(2 * hits[s] / (meant[s] + chosen[s]) for s in senses) / len(senses)

    @property
    def calibration_error(self) -> float:
        """Expected difference between being sure and being right, over ten bins."""
        bins = defaultdict(list)
        for _, right, chosen, sure in self.answers:
            bins[min(9, int(sure * 10))].append((right == chosen, sure))
        off = sum(
            abs(sum(hit for hit, _ in own) - sum(sure for _, sure in own)) for own in bins.values()
        )
        return off / len(self.answers)


def read(languages: Iterable[str] = LANGUAGES) -> list[Word]:
    lines = [
        json.loads(line)
        for language in languages
        for line in (FOLDER / f"{language}.jsonl").read_text("utf-8").splitlines()
    ]
    return [_word(line) for line in lines]


def _word(line: dict[str, Any]) -> Word:
    term, language = line["term"], line["language"]

    def identity(sense: str) -> UUID:
        return uuid5(UUID(int=0), f"{language}/{term}/{sense}")

    concepts = tuple(
        Concept(
            identity(sense["id"]),
            (sense["subject_field"],),
            ((language, sense["definition"]),),
            ((language, term),),
        )
        for sense in line["senses"]
    )
    sentences = tuple(
        Sentence(each["text"], identity(each["sense"]), each["split"]) for each in line["sentences"]
    )
    return Word(term, language, concepts, sentences)


def baseline(words: Sequence[Word], split: str) -> Judged:
    """The sense that is most frequent in the training half, whatever the sentence says."""
    judged = Judged()
    for word in words:
        counts = word.counts()
        share = {c.entry_id: counts[c.entry_id] / counts.total() for c in word.concepts}
        best = max(share, key=lambda sense: share[sense])
        for sentence in word.of(split):
            judged.answers.append((word.term, sentence.sense, best, share[best]))
    return judged


async def judge(
    words: Sequence[Word],
    split: str,
    embedder: Embedder | None,
    how: How = "auto",
    *,
    priors: bool = False,
    examples: bool = False,
) -> Judged:
    """What the chooser makes of the sentences of one half.

    `priors` tells it how frequent each sense is in the training half, and `examples` gives each
    concept the sentences of that half as its examples. Neither ever comes from the test half.
    """
    judged, kept = Judged(), KeptVectors()
    for word in words:
        lexicon = build(
            Row(word.term, word.language, entry_id=concept.entry_id) for concept in word.concepts
        )
        profiles = profiles_of(word, priors=priors, examples=examples)
        for sentence in word.of(split):
            spans = find(lexicon, sentence.text)
            [reading] = await choose(sentence.text, spans, profiles, how, embedder, kept)
            best = reading.senses[0]
            judged.answers.append((word.term, sentence.sense, best.entry_id, best.probability))
    return judged


def profiles_of(word: Word, *, priors: bool, examples: bool) -> dict[UUID, Profile]:
    counts = word.counts()
    found = {}
    for concept in word.concepts:
        told = concept
        if examples:
            own = [s.text for s in word.of("train") if s.sense == concept.entry_id]
            told = replace(concept, examples=tuple((word.language, text) for text in own))
        prior = counts[concept.entry_id] + 0.5 if priors else 1.0
        found[concept.entry_id] = profile_of(told, word.language, prior)
    return found
