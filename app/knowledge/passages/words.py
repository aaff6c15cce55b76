"""What someone typed into a search, read: words, beginnings of words, phrases, exclusions."""

import re
from dataclasses import dataclass
from typing import Any, Final

MOST_TERMS: Final = 32
MOST_PHRASES: Final = 8
LONGEST_WORD: Final = 200

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
    for piece in _PIECE.finditer(text):
        excluded = piece["without"] is not None
        if piece["phrase"] is not None:
            phrases[Phrase(piece["phrase"][:LONGEST_WORD], excluded)] = None
            if not excluded:
                terms |= {Term(_cut(word)): None for word in piece["phrase"].split()}
        elif piece["word"] is not None:
            _take_word(piece["word"], terms, phrases, excluded=excluded)
    kept = [each for each in phrases if each.text.strip()]
    return Words(_fewer(list(terms)), tuple(kept[:MOST_PHRASES]))


def _take_word(
    word: str, terms: dict[Term, None], phrases: dict[Phrase, None], *, excluded: bool
) -> None:
    beginning = word.rstrip("*")
    if not any(letter.isalnum() for letter in beginning):
        return
    if excluded:
        phrases[Phrase(_cut(beginning), excluded=True)] = None
    else:
        terms[Term(_cut(beginning), prefix=beginning != word)] = None


def _cut(word: str) -> str:
    return word[:LONGEST_WORD]


def _fewer(terms: list[Term]) -> tuple[Term, ...]:
    """Of a long text the longest words, in their order: short ones tell the least."""
    if len(terms) <= MOST_TERMS:
        return tuple(terms)
    kept = set(sorted(terms, key=lambda term: -len(term.text))[:MOST_TERMS])
    return tuple(term for term in terms if term in kept)
