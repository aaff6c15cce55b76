"""How long it takes to find 10,000 terms in a text of 2,000 words.

    .venv/bin/python scripts/bench/detect.py [--quick]

The terms are made of syllables (half of them have two or three words), the text is made so that
about one word in twenty is a term in some form; some terms have two concepts, with definitions.
Printed are the median and the slowest of the rounds for: finding alone; finding with senses told
by words; and with senses told by embeddings, at first and once the definitions' vectors are kept.
Then a scanner that is fed the text word by word, as a model streams it. The last line is one JSON
document.
"""

import argparse
import asyncio
import json
import random
import resource
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from uuid import UUID

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[2]))

from app.inference.embeddings.local import LocalEmbedder
from app.knowledge.detection.compiled import Compiled, Told, compile_terms
from app.knowledge.detection.matching.spans import find
from app.knowledge.detection.senses.choosing import How, ambiguous, choose
from app.knowledge.detection.senses.profiles import Profile, profile_of
from app.knowledge.detection.senses.vectors import KeptVectors
from app.knowledge.detection.violations import Scanner
from app.knowledge.dictionary.store import TermRow

AIM_MS = 50
TERMS, WORDS = 10_000, 2_000
SYLLABLES = [c + v for c in "bdfglmnprstv" for v in ("a", "e", "i", "o", "u", "ar", "en", "ol")]
COMMON = (
    "the of and to in is that for it as was with be by on not he his but at are this have from or "
    "had an they which one you were all her she there would their we him been has when who will no "
    "more if out so up said what its about than into them can only other time new some could these"
)
FILLER = COMMON.split()


def made_word(draw: random.Random) -> str:
    return "".join(draw.choice(SYLLABLES) for _ in range(draw.randint(2, 4)))


def made_terms(draw: random.Random) -> list[str]:
    terms: set[str] = set()
    while len(terms) < TERMS:
        terms.add(" ".join(made_word(draw) for _ in range(draw.choice((1, 1, 2, 3)))))
    return sorted(terms)


def made_text(draw: random.Random, terms: list[str], twofold: list[str], places: int) -> str:
    """Sentences of twenty words; `places` of them have a term of two concepts."""
    words: list[str] = []
    while len(words) < WORDS:
        sentence = [draw.choice(FILLER) for _ in range(19)]
        sentence[4] = draw.choice(terms) + draw.choice(("", "s"))
        if places > 0:
            sentence[11] = draw.choice(twofold)
            places -= 1
        words += [*" ".join(sentence).split(), made_word(draw) + "."]
    return " ".join(words)


def made_rows(terms: list[str], twofold: list[str]) -> list[TermRow]:
    book = UUID(int=1)
    every = [*terms, *twofold]
    return [
        TermRow(UUID(int=n), UUID(int=n), book, "en", text, "preferred", None, "approved")
        for n, text in enumerate(every, 1)
    ]


def made_profiles(compiled: Compiled, text: str, draw: random.Random) -> dict[UUID, Profile]:
    wanted = ambiguous(find(compiled.lexicon, text))
    said = " ".join(draw.choice(FILLER) for _ in range(12))
    return {
        entry: profile_of(
            Told(entry, ["field"], [("en", f"{said} {made_word(draw)}.")], [], [("en", "term")]),
            "en",
        )
        for entry in wanted
    }


async def timed(act: Callable[[], Awaitable[object]], rounds: int) -> list[float]:
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        await act()
        taken.append((time.perf_counter() - began) * 1000)
    return taken


class Figures:
    """What was measured, as a table and as a document."""

    def __init__(self) -> None:
        self.told: dict[str, float] = {}
        self.table = Table(title=f"{TERMS:,} terms, {WORDS:,} words")
        for column in ("what", "median ms", "slowest ms"):
            self.table.add_column(column)

    async def time(self, name: str, act: Callable[[], Awaitable[object]], rounds: int) -> None:
        taken = await timed(act, rounds)
        self.told[name] = round(statistics.median(taken), 2)
        self.table.add_row(name.replace("_", " "), f"{self.told[name]:.1f}", f"{max(taken):.1f}")


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few rounds of each")
    rounds = 5 if parser.parse_args().quick else 30
    draw, figures = random.Random(5), Figures()  # noqa: S311 - made texts, the same each time
    terms = made_terms(draw)
    twofold = draw.sample([term for term in terms if " " not in term], 200)
    before, began = memory(), time.perf_counter()
    compiled = compile_terms("1", made_rows(terms, twofold))
    figures.told["compile_ms"] = round((time.perf_counter() - began) * 1000)
    figures.told["compiled_mb"] = round(memory() - before, 1)
    embedder = LocalEmbedder()
    await embedder.embed(["loaded"])
    for places in (5, 25):
        text = made_text(draw, terms, twofold, places)
        if places == 5:
            await figures.time("find", partial(found, compiled, text), rounds)
        await senses(figures, compiled, text, draw, embedder, rounds)
    await figures.time("stream_word_by_word", partial(streamed, compiled, text), rounds)
    embedder.close()
    Console().print(figures.table)
    Console().print(f"The aim: under {AIM_MS} ms.")
    print(json.dumps(figures.told))


async def senses(
    figures: Figures,
    compiled: Compiled,
    text: str,
    draw: random.Random,
    embedder: LocalEmbedder,
    rounds: int,
) -> None:
    """Finding, and telling the senses of what is ambiguous."""
    profiles = made_profiles(compiled, text, draw)
    kept, windows = KeptVectors(), len(profiles) // 2

    async def detect(how: How) -> None:
        await choose(text, find(compiled.lexicon, text), profiles, how, embedder, kept)

    await figures.time(f"words_{windows}_ambiguous", partial(detect, "lexical"), rounds)
    await figures.time(f"embeddings_{windows}_ambiguous_first", partial(detect, "auto"), 1)
    await figures.time(f"embeddings_{windows}_ambiguous", partial(detect, "auto"), rounds)


async def found(compiled: Compiled, text: str) -> None:
    find(compiled.lexicon, text)


async def streamed(compiled: Compiled, text: str) -> None:
    scanner = Scanner(compiled)
    for word in text.split(" "):
        scanner.feed(word + " ")
    scanner.finish()


def memory() -> float:
    """The most memory so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    asyncio.run(main())
