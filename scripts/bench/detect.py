"""How long it takes to find 10,000 terms in a text of 2,000 words.

    .venv/bin/python scripts/bench/detect.py [--quick]

The terms are made of syllables (half of them have two or three words), and about one word in
twenty of a text is one in some form. The texts are sentences of the set of ambiguous words that
ships with the tests, two by two; some of its words are terms, of two to four concepts.
Printed are the median and the slowest of the rounds for: finding alone; finding with senses told
by words; and with senses told by embeddings: with nothing embedded before, in texts that are new
(once the definitions' vectors are kept), and in the same text again. Then a scanner that is fed
the text word by word, as a model streams it. The last line is one JSON document.
"""

import argparse
import asyncio
import json
import random
import resource
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from uuid import UUID

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[2]))

from app.inference.embeddings.local import LocalEmbedder
from app.knowledge.detection.compiled import Compiled, compile_terms
from app.knowledge.detection.matching.spans import find
from app.knowledge.detection.senses.choosing import How, choose
from app.knowledge.detection.senses.profiles import Profile
from app.knowledge.detection.senses.vectors import KeptVectors
from app.knowledge.detection.violations import Scanner
from app.knowledge.dictionary.store import TermRow
from tests.knowledge.detection.ambiguous.judging import Word, profiles_of, read

AIM_MS = 50
TERMS, WORDS = 10_000, 2_000
# Ambiguous words of a text; some stand in more than one of its sentences.
ASKED = {"few": 5, "many": 20}
SYLLABLES = [c + v for c in "bdfglmnprstv" for v in ("a", "e", "i", "o", "u", "ar", "en", "ol")]
BOOK = UUID(int=1)


def made_word(draw: random.Random) -> str:
    return "".join(draw.choice(SYLLABLES) for _ in range(draw.randint(2, 4)))


def made_terms(draw: random.Random) -> list[str]:
    terms: set[str] = set()
    while len(terms) < TERMS:
        terms.add(" ".join(made_word(draw) for _ in range(draw.choice((1, 1, 2, 3)))))
    return sorted(terms)


def made_text(
    draw: random.Random, terms: list[str], plain: Sequence[Word], asked: Sequence[Word], turn: int
) -> str:
    """Sentences of plain words with a term each; a word that is asked for stands in one.

    Two turns that follow each other have other sentences for it.
    """
    beside = [sentence.text for word in plain for sentence in word.sentences]
    draw.shuffle(beside)
    seconds = [word.sentences[turn % len(word.sentences)].text for word in asked]
    said: list[str] = []
    while sum(len(sentence.split()) for sentence in said) < WORDS:
        first, second = beside.pop(), (seconds or beside).pop()
        term = draw.choice(terms) + draw.choice(("", "s"))
        said.append(f"{first[:-1]} {term}, and {second[0].lower()}{second[1:]}")
    draw.shuffle(said)
    return " ".join(said)


def made_rows(terms: list[str], asked: Sequence[Word]) -> list[TermRow]:
    every = [(UUID(int=n), text) for n, text in enumerate(terms, 1)]
    every += [(concept.entry_id, word.term) for word in asked for concept in word.concepts]
    return [
        TermRow(UUID(int=n), entry, BOOK, "en", text, "preferred", None, "approved")
        for n, (entry, text) in enumerate(every, 1)
    ]


def known(asked: Sequence[Word]) -> dict[UUID, Profile]:
    return {
        entry: profile
        for word in asked
        for entry, profile in profiles_of(word, priors=False, examples=False).items()
    }


class Figures:
    """What was measured, as a table and as a document."""

    def __init__(self) -> None:
        self.told: dict[str, float] = {}
        self.taken: dict[str, list[float]] = defaultdict(list)
        self.places: dict[str, list[int]] = defaultdict(list)

    async def time(self, name: str, act: Callable[[], Awaitable[object]]) -> None:
        began = time.perf_counter()
        await act()
        self.taken[name].append((time.perf_counter() - began) * 1000)

    def show(self) -> None:
        table = Table(title=f"{TERMS:,} terms, {WORDS:,} words")
        for column in ("what", "median ms", "slowest ms"):
            table.add_column(column)
        for name, places in self.places.items():
            self.told[f"ambiguous_{name}"] = statistics.mean(places)
            table.add_row(f"ambiguous places, {name}", f"{self.told[f'ambiguous_{name}']:.1f}", "")
        for name, taken in self.taken.items():
            self.told[name] = round(statistics.median(taken), 2)
            table.add_row(name.replace("_", " "), f"{self.told[name]:.1f}", f"{max(taken):.1f}")
        Console().print(table)
        Console().print(f"The aim: under {AIM_MS} ms.")
        print(json.dumps(self.told))


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few rounds of each")
    rounds = 5 if parser.parse_args().quick else 30
    draw, figures = random.Random(5), Figures()  # noqa: S311 - made texts, the same each time
    terms, words = made_terms(draw), read(["en"])
    draw.shuffle(words)
    asked, plain = words[: max(ASKED.values())], words[max(ASKED.values()) :]
    before, began = memory(), time.perf_counter()
    compiled = compile_terms("1", made_rows(terms, asked))
    figures.told["compile_ms"] = round((time.perf_counter() - began) * 1000)
    figures.told["compiled_mb"] = round(memory() - before, 1)
    embedder = LocalEmbedder()
    await embedder.embed(["loaded"])
    for name, count in ASKED.items():
        own = asked[:count]
        compiled = compile_terms("1", made_rows(terms, own))
        for turn in range(0, 2 * rounds, 2):
            texts = [made_text(draw, terms, plain, own, turn + more) for more in (0, 1)]
            await measure(name, figures, compiled, texts, known(own), embedder)
    embedder.close()
    figures.show()


async def measure(
    name: str,
    figures: Figures,
    compiled: Compiled,
    texts: Sequence[str],
    profiles: dict[UUID, Profile],
    embedder: LocalEmbedder,
) -> None:
    """Two texts with the same terms, the second one twice."""
    first, second = texts
    kept = KeptVectors()
    places = sum(len(span.matches) > 1 for span in find(compiled.lexicon, second))
    figures.places[name].append(places)

    async def detect(how: How, text: str) -> None:
        await choose(text, find(compiled.lexicon, text), profiles, how, embedder, kept)

    await figures.time("find", partial(found, compiled, first))
    await figures.time("stream_word_by_word", partial(streamed, compiled, first))
    await figures.time(f"words_{name}", partial(detect, "lexical", first))
    await figures.time(f"embeddings_{name}_first", partial(detect, "auto", first))
    await kept.of(embedder, [text for profile in profiles.values() for text in profile.texts])
    await figures.time(f"embeddings_{name}", partial(detect, "auto", second))
    await figures.time(f"embeddings_{name}_again", partial(detect, "auto", second))


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
