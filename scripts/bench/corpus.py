"""The corpus and the questions of the retrieval figures, and fillers to make a search hard."""

import itertools
import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from processes import ROOT

CORPUS = ROOT / "tests" / "knowledge" / "search" / "corpus"
HALVES = ("tuning", "held out")
WORDS_A_FILLER = 110
VOCABULARY = 40_000
SYLLABLES = ("ka", "lo", "mi", "ren", "tor", "bas", "del", "vin", "sor", "pel", "gan", "tri", "fex")


@dataclass(frozen=True)
class Question:
    """`half`: choices are made on one half of the questions, and judged on the other."""

    text: str
    kind: str
    half: str
    relevant: frozenset[str]


@dataclass(frozen=True)
class Written:
    """A passage of the corpus."""

    name: str
    title: str
    heading: str
    text: str


def passages() -> list[Written]:
    return [
        Written(each["id"], each["title"], each["heading"], each["text"])
        for each in _lines("passages.jsonl")
    ]


def questions() -> list[Question]:
    """In the order of the file, where one kind follows the other: by turns in either half."""
    return [
        Question(each["question"], each["kind"], HALVES[number % 2], frozenset(each["relevant"]))
        for number, each in enumerate(_lines("questions.jsonl"))
    ]


def _lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (CORPUS / name).read_text().splitlines()]


def fillers(count: int, written: Sequence[Written], seed: int = 1) -> Iterator[str]:
    """Texts of words that are as common as those of a language: the corpus's own, and made ones."""
    dice = random.Random(seed)  # noqa: S311 - texts, not secrets
    counts: dict[str, int] = {}
    for each in written:
        for word in re.findall(r"[a-z]{2,}", each.text.lower()):
            counts[word] = counts.get(word, 0) + 1
    words = sorted(counts, key=lambda word: -counts[word])
    made = ("".join(dice.choices(SYLLABLES, k=dice.randint(2, 5))) for _ in itertools.count())
    words = [*words, *itertools.islice(made, VOCABULARY - len(words))]
    cumulated = list(itertools.accumulate(1 / (rank + 2.7) for rank in range(len(words))))
    for _ in range(count):
        yield " ".join(dice.choices(words, cum_weights=cumulated, k=WORDS_A_FILLER))
