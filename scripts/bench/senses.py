"""How well the senses of ambiguous terms are told: F1 on the set that ships with the tests.

    .venv/bin/python scripts/bench/senses.py [--fit]

The set and its halves are described in tests/knowledge/detection/ambiguous/README.md. The baseline
is the most frequent sense of the training half. `--fit` prints the weights that the training half
asks for (app/knowledge/detection/senses/weighing.py has them). The last line is one JSON document.
"""

import argparse
import asyncio
import json
import sys
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[2]))

from app.inference.embeddings.local import LocalEmbedder
from app.knowledge.detection.matching.spans import find
from app.knowledge.detection.senses.bags import bag_of
from app.knowledge.detection.senses.vectors import KeptVectors, embed
from app.knowledge.detection.senses.weighing import shared_words
from app.knowledge.detection.senses.windows import Windows
from tests.knowledge.detection.ambiguous.judging import (
    LANGUAGES,
    Judged,
    Word,
    baseline,
    judge,
    profiles_of,
    read,
)
from tests.knowledge.detection.terms import Row, lexicon

WAYS = {
    "words alone": {"how": "lexical"},
    "words and embeddings": {},
    "the same, with priors of the training half": {"priors": True},
    "the same, with examples of the training half": {"priors": True, "examples": True},
}


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fit", action="store_true", help="print the weights of the training half")
    arguments = parser.parse_args()
    embedder, figures = LocalEmbedder(), {}
    for language in LANGUAGES:
        words = read([language])
        if arguments.fit:
            await fit(words, embedder)
        judged = {"most frequent sense": baseline(words, "test")}
        for name, options in WAYS.items():
            judged[name] = await judge(words, "test", embedder, **options)
        show(language, words, judged)
        figures[language] = {
            name: {
                "f1": round(each.f1, 3),
                "accuracy": round(each.accuracy, 3),
                "calibration_error": round(each.calibration_error, 3),
            }
            for name, each in judged.items()
        }
    embedder.close()
    print(json.dumps(figures))


def show(language: str, words: list[Word], judged: dict[str, Judged]) -> None:
    sentences = sum(len(word.of("test")) for word in words)
    table = Table(title=f"{language}: {len(words)} terms, {sentences} test sentences")
    for column in ("way", "macro F1", "accuracy", "calibration error"):
        table.add_column(column)
    for name, each in judged.items():
        table.add_row(
            name, f"{each.f1:.3f}", f"{each.accuracy:.3f}", f"{each.calibration_error:.3f}"
        )
    Console().print(table)


async def fit(words: list[Word], embedder: LocalEmbedder) -> None:
    """Maximum likelihood on the training half, with a little shrinking; by gradient ascent."""
    rows = [row for word in words for row in await evidence(word, embedder)]
    for name, columns in (("cosine, words", [0, 1]), ("words", [1])):
        weights = np.ones(len(columns))
        for _ in range(20_000):
            slope = np.zeros_like(weights)
            for features, right in rows:
                own = features[:, columns]
                scores = own @ weights
                shares = np.exp(scores - scores.max())
                slope += own[right] - (shares / shares.sum()) @ own
            step = 2.0 * (slope / len(rows) - 0.0002 * weights)
            weights += step
            if np.abs(step).max() < 1e-3:
                break
        print(f"{words[0].language}: {name}: {weights.round(2).tolist()}")


async def evidence(word: Word, embedder: LocalEmbedder) -> list[tuple[np.ndarray, int]]:
    """Of each training sentence: cosine and shared words by sense, and which one is right."""
    kept, rows = KeptVectors(), []
    profiles = list(profiles_of(word, priors=False, examples=False).values())
    vectors = await kept.of(embedder, [profile.texts[0] for profile in profiles])
    terms = lexicon(Row(word.term, word.language))
    for sentence in word.of("train"):
        [span] = find(terms, sentence.text)
        [around] = await embed(embedder, [Windows(sentence.text).near(span)])
        context = bag_of(sentence.text, word.language) - bag_of(word.term, word.language)
        cosines = [float(vectors[profile.texts[0]] @ around) for profile in profiles]
        right = [profile.entry_id for profile in profiles].index(sentence.sense)
        rows.append((np.array([cosines, shared_words(context, profiles)]).T, right))
    return rows


if __name__ == "__main__":
    asyncio.run(main())
