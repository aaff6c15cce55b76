"""The words of a text and where they stand: the same whether it comes whole or in pieces."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from app.knowledge.detection.matching.alphabet import HYPHENS, LONGEST_RUN, SOFT, parts, pieces

_SOFT: Final = re.compile(f"[{SOFT}]+")
# What is left of a word behind an apostrophe in English: no word of its own.
_CLITICS: Final = frozenset({"s", "t", "re", "ve", "ll", "d", "m"})
_BEGINS: Final = "^"
_DASH: Final = re.compile(f"[{HYPHENS}]")


class Word(NamedTuple):
    """Code points `start` to `end` of a text. `norm` is empty where no term may go across."""

    start: int
    end: int
    norm: str
    surface: str


@dataclass(slots=True)
class Words:
    """A text's words as they are written apart, and with chains (`e-mail`) as one word each.

    `chains` are the places of those among the joined.
    """

    apart: list[Word] = field(default_factory=list)
    joined: list[Word] = field(default_factory=list)
    chains: list[int] = field(default_factory=list)

    def near_chains(self, reach: int) -> list[Word]:
        """The joined words within `reach` of a chain, with breaks where others were left out."""
        near: list[Word] = []
        taken = 0
        for place in self.chains:
            begin = max(taken, place - reach)
            if near and begin > taken:
                at = self.joined[begin].start
                near.append(Word(at, at, "", ""))
            end = max(begin, place + reach + 1)
            near += self.joined[begin:end]
            taken = end
        return near


def normal(surface: str) -> str:
    """A word without its case and its ways of encoding (NFKC)."""
    if surface.isascii():
        return surface.lower()
    bare = _SOFT.sub("", surface)
    if "İ" in bare:  # Turkish, where the capital of a dotless letter has no dot either
        bare = bare.replace("I", "ı").replace("İ", "i")  # noqa: RUF001
    folded = unicodedata.normalize("NFKC", bare).casefold()
    return unicodedata.normalize("NFKC", folded)


def words_of(text: str) -> Words:
    reader = Reader()
    words = reader.feed(text)
    last = reader.finish()
    words.chains += [len(words.joined) + place for place in last.chains]
    words.apart += last.apart
    words.joined += last.joined
    return words


class Reader:
    """Reads a text that comes in pieces; what the next piece could change is held back."""

    def __init__(self) -> None:
        self._held = ""
        self._offset = 0
        self._hangul_until = -1
        self._overlong_until = -1

    @property
    def position(self) -> int:
        """Every word that is still to come starts here or later."""
        return self._offset

    def feed(self, delta: str) -> Words:
        """Words that are certain now; the work is that of the piece and of at most one run."""
        return self._read(self._held + delta, to_end=False)

    def finish(self) -> Words:
        return self._read(self._held, to_end=True)

    def _read(self, text: str, *, to_end: bool) -> Words:
        words, begin, last = Words(), self._offset, None
        for piece in pieces().finditer(text):
            if last is not None:
                self._take(last, begin, words)
            last = piece
        if last is None:
            return words
        if to_end:
            self._take(last, begin, words)
        kept = last.end() if to_end else last.start()
        self._held, self._offset = text[kept:], begin + kept
        return words

    def _take(self, piece: re.Match[str], begin: int, words: Words) -> None:
        kind, start, text = piece.lastgroup, begin + piece.start(), piece.group()
        if kind == "run":
            self._run(start, text, words)
        elif kind == "gap":
            if text.count("\n") > 1:
                _both(words, Word(start, start, "", ""))
        elif kind == "stop":
            _both(words, Word(start, start + 1, "", text))
        else:
            norm = normal(text)
            if kind == "hangul":
                norm = norm if self._hangul_until == start else _BEGINS + norm
                self._hangul_until = start + 1
            _both(words, Word(start, start + len(text), norm, text))

    def _run(self, start: int, text: str, words: Words) -> None:
        if len(text) == LONGEST_RUN or start == self._overlong_until:
            # No word is that long: neither it nor what is left of it is looked at.
            long = len(text) == LONGEST_RUN
            self._overlong_until = start + len(text) if long else -1
            _both(words, Word(start, start + len(text), "", text))
        elif text.isascii() and text.isalnum():
            _both(words, Word(start, start + len(text), text.lower(), text))
        else:
            chains = list(_chains(start, text))
            if not chains and _DASH.search(text):
                _both(words, Word(start, start + len(text), "", text))
            for chain in chains:
                words.apart += chain
                if len(chain) > 1:
                    words.chains.append(len(words.joined))
                words.joined.append(chain[0] if len(chain) == 1 else _joined(chain, start, text))


def _both(words: Words, word: Word) -> None:
    words.apart.append(word)
    words.joined.append(word)


def _chains(start: int, text: str) -> Iterator[list[Word]]:
    """The words of a run; those that hyphens join come together."""
    chain: list[Word] = []
    until = -1
    for found in parts().finditer(text):
        if found["word"] is None:
            symbol, norm = found.group(), found["symbol"] or ""
            word = Word(start + found.start(), start + found.end(), norm, symbol)
        else:
            word = _word(start, found, joined=found.start() == until)
        hyphened = found["hyphen"] is not None and found.start() == until
        if chain and not hyphened:
            yield chain
            chain = []
        chain.append(word)
        until = found.end()
    if chain:
        yield chain


def _word(start: int, found: re.Match[str], *, joined: bool) -> Word:
    surface, begin = found["word"], start + found.start("word")
    norm = normal(surface)
    if joined and found["apostrophe"] is not None and norm in _CLITICS:
        norm = "'" + norm
    return Word(begin, begin + len(surface), norm, surface)


def _joined(chain: list[Word], start: int, text: str) -> Word:
    first, last = chain[0], chain[-1]
    surface = text[first.start - start : last.end - start]
    return Word(first.start, last.end, "".join(word.norm for word in chain), surface)
