"""What someone typed into a search, read: words, beginnings of words, phrases, exclusions."""

import re
from dataclasses import dataclass
from typing import Any, Final

from app.knowledge.parsing.letters import plain_letters
from app.knowledge.passages.pairs import has_unspaced, in_order, is_unspaced, parts_of

MOST_TERMS: Final = 32
MOST_PHRASES: Final = 8
LONGEST_WORD: Final = 200

_QUOTES: Final = str.maketrans(dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb", '"'))
_PIECE = re.compile(r'(?P<without>-)?(?:"(?P<phrase>[^"]*)"|(?P<word>[^\s"]+))|"')


@dataclass(frozen=True, slots=True)
class Term:
    """A word to find; with `prefix` every word that begins so."""

    text: str
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that stand together; every hit has them, or where `excluded` none."""

    text: str
    excluded: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """A search, as its words are looked up."""

    terms: tuple[Term, ...]
    phrases: tuple[Phrase, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.terms)

    def told(self) -> dict[str, list[dict[str, Any]]]:
        """As the database's function takes them."""
        return {
            "terms": [{"text": each.text, "prefix": each.prefix} for each in self.terms],
            "phrases": [{"text": each.text, "excluded": each.excluded} for each in self.phrases],
        }


def read_words(text: str) -> Words:
    """Read any text: `"these words together"`, `begin*`, `-without`; all else are plain words."""
    terms: dict[Term, None] = {}
    phrases: dict[Phrase, None] = {}
    for piece in _PIECE.finditer(plain_letters(text).translate(_QUOTES)):
        excluded = piece["without"] is not None
        if piece["phrase"] is not None:
            phrases[_phrase(piece["phrase"], excluded=excluded)] = None
            if not excluded:
                terms |= {term: None for word in piece["phrase"].split() for term in _terms(word)}
        elif piece["word"] is not None:
            _take_word(piece["word"], terms, phrases, excluded=excluded)
    kept = [each for each in phrases if each.text.strip()]
    return Words(_fewer(list(terms)), tuple(kept[:MOST_PHRASES]))


def as_written(text: str) -> tuple[str, list[Phrase]]:
    """What Postgres reads as words of a search, and the pieces in writing without spaces."""
    text = text.translate(_QUOTES)
    spoken, written = [], []
    for piece in _PIECE.finditer(text):
        said = piece["phrase"] or piece["word"] or ""
        if has_unspaced(said):
            written.append(Phrase(said.strip(), piece["without"] is not None))
        elif any(map(str.isalnum, said)):
            spoken.append(piece[0])
    return (" ".join(spoken), written) if written else (text, [])


def _take_word(
    word: str, terms: dict[Term, None], phrases: dict[Phrase, None], *, excluded: bool
) -> None:
    beginning = word.rstrip("*")
    if not any(letter.isalnum() for letter in beginning):
        return
    if excluded:
        phrases[_phrase(beginning, excluded=True)] = None
    else:
        terms |= dict.fromkeys(_terms(beginning, prefix=beginning != word))


def _phrase(text: str, *, excluded: bool) -> Phrase:
    return Phrase(in_order(text[:LONGEST_WORD]), excluded)


def _terms(word: str, *, prefix: bool = False) -> list[Term]:
    """A word as it is looked up; a single letter of a writing without spaces begins a pair."""
    parts = parts_of(word[:LONGEST_WORD])
    last = len(parts) - 1
    return [
        Term(part, prefix=(prefix and at == last) or (len(part) == 1 and is_unspaced(part)))
        for at, part in enumerate(parts)
        if any(map(str.isalnum, part))
    ]


def _fewer(terms: list[Term]) -> tuple[Term, ...]:
    """Of a long text the longest words, in their order: short ones tell the least."""
    if len(terms) <= MOST_TERMS:
        return tuple(terms)
    kept = set(sorted(terms, key=lambda term: -len(term.text))[:MOST_TERMS])
    return tuple(term for term in terms if term in kept)
