"""Names by how they are written: capitalised words, acronyms, e-mail addresses.

Better to miss a name than to take a word for one: what is capitalised for where it stands (at a
sentence's beginning, in a title, every noun of German) is none.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from app.knowledge.graph.extraction.rules.words import (
    CONNECTORS,
    MONTHS_AND_DAYS,
    NO_ACRONYMS,
    OPENERS,
    ORGANISATIONS,
    PREPOSITIONS,
    TITLES,
)
from app.knowledge.graph.findings import Span

EMAIL: Final = re.compile(
    r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\w-])"
)
# What is written for machines holds no names.
MACHINE: Final = re.compile(
    r"https?://\S+|www\.\S+|`[^`\n]*`|\b\w*_\w+\b|\S{0,99}[\\/]\S{0,99}[\\/]\S*|<[^>\n]{1,200}>"
)
WORD: Final = re.compile(r"[^\W_]+(?:[-'\u2019&.][^\W_]+)*")
_DEFINED: Final = re.compile(r"\(\s*([A-ZÄÖÜ][A-Za-z0-9ÄÖÜäöü&-]{1,7})\s*\)")
_POSSESSIVE: Final = re.compile(r"['\u2019]s$")
MOST_WORDS: Final = 8


@dataclass(frozen=True, slots=True)
class Name:
    """A name at its place; `full` is the longer one that this is short for."""

    start: int
    end: int
    text: str
    type: str
    full: str | None = None


@dataclass(frozen=True, slots=True)
class _Word:
    start: int
    end: int
    text: str
    first: bool

    @property
    def plain(self) -> str:
        return _POSSESSIVE.sub("", self.text)

    @property
    def low(self) -> str:
        return self.plain.casefold()

    @property
    def is_capital(self) -> bool:
        return self.text[0].isupper()

    @property
    def is_acronym(self) -> bool:
        plain = self.plain
        letters = [c for c in plain if c.isalpha()]
        return (
            2 <= len(plain) <= 8
            and len(letters) >= 2
            and all(c.isupper() for c in letters)
            and plain not in NO_ACRONYMS
            and all(c.isalnum() or c in "&-" for c in plain)
        )


def names(text: str, spans: Sequence[Span], *, nouns_are_capital: bool) -> list[Name]:
    """The names in these sentences of a text, none over another."""
    found = [Name(m.start(), m.end(), m.group().casefold(), "email") for m in EMAIL.finditer(text)]
    bare = _without(text, [*MACHINE.finditer(text), *EMAIL.finditer(text)])
    small = {m.group() for m in WORD.finditer(bare) if m.group()[0].islower()}
    for start, end in spans:
        words = _words(bare, start, end)
        if not _is_title(words, text[end - 1]):
            found += _capitals(bare, words, small, nouns_are_capital=nouns_are_capital)
    return sorted(_shortened(text, found), key=lambda each: each.start)


def _without(text: str, matches: Sequence[re.Match[str]]) -> str:
    """The text with spaces in their place."""
    pieces, at = [], 0
    for start, end in sorted(match.span() for match in matches):
        if end > at:
            pieces += [text[at : max(start, at)], " " * (end - max(start, at))]
            at = end
    return "".join([*pieces, text[at:]])


def _words(text: str, start: int, end: int) -> list[_Word]:
    return [
        _Word(match.start(), match.end(), match.group(), not number)
        for number, match in enumerate(WORD.finditer(text, start, end))
    ]


def _is_title(words: Sequence[_Word], last: str) -> bool:
    """Whether every word that could be is capitalised, as in a heading."""
    own = [word for word in words if len(word.text) > 3 and word.text[0].isalpha()]
    if len(words) >= 3 and all(word.text.isupper() for word in words):
        return True
    if last in ".!?…":
        return False
    return len(own) >= 3 and sum(word.is_capital for word in own) / len(own) > 0.8


def _capitals(
    text: str, words: Sequence[_Word], small: set[str], *, nouns_are_capital: bool
) -> Iterator[Name]:
    for group in _groups(text, words, nouns_are_capital=nouns_are_capital):
        kept = _without_openers(group, small)
        title = bool(kept) and kept[0].low.rstrip(".") in TITLES
        if title:
            kept = kept[1:]
        while kept and not kept[-1].is_capital:
            kept.pop()
        if not kept or len(kept) > MOST_WORDS:
            continue
        if len(kept) == 1 and not title:
            alone = _alone(kept[0], small, nouns_are_capital=nouns_are_capital)
            if alone is not None:
                yield alone
            continue
        end = kept[-1].start + len(kept[-1].plain)
        yield Name(kept[0].start, end, text[kept[0].start : end], _type_of(kept, title=title))


def _groups(text: str, words: Sequence[_Word], *, nouns_are_capital: bool) -> Iterator[list[_Word]]:
    """Capitalised words that follow each other, with what may stand between them."""
    group: list[_Word] = []
    for word in words:
        beside = bool(group) and _joins(text[group[-1].end : word.start], group[-1])
        if group and not beside:
            yield group
            group = []
        goes_on = group and _connects(group, word, nouns_are_capital=nouns_are_capital)
        if goes_on or (word.is_capital and word.low not in MONTHS_AND_DAYS):
            group.append(word)
        elif group:
            yield group
            group = []
    if group:
        yield group


def _connects(group: Sequence[_Word], word: _Word, *, nouns_are_capital: bool) -> bool:
    """`Bank of England`, `Ludwig van Beethoven`, `Ursula von der Leyen`, no `Anna Bell of Acme`."""
    if word.text in PREPOSITIONS or word.text not in CONNECTORS:
        return word.text in PREPOSITIONS
    if group[-1].text in PREPOSITIONS:
        return True
    # Where every noun is capitalised, a single one may be any thing.
    return not nouns_are_capital and (len(group) == 1 or group[-1].low in ORGANISATIONS)


def _joins(between: str, before: _Word) -> bool:
    """One space, or a dot after a title or an initial."""
    if between in (" ", "\u00a0", " & "):
        return not before.text.endswith(("'s", "\u2019s"))
    return between == ". " and (before.low in TITLES or len(before.text) == 1)


def _without_openers(group: Sequence[_Word], small: set[str]) -> list[_Word]:
    """Without what is capitalised at a sentence's beginning only."""
    kept = list(group)
    while kept and not kept[0].is_acronym and (kept[0].low in OPENERS or not kept[0].is_capital):
        kept = kept[1:]
    if kept and kept[0].first and kept[0].low in small:
        kept = kept[1:]
    return kept


def _alone(word: _Word, small: set[str], *, nouns_are_capital: bool) -> Name | None:
    """A single word: an acronym, or a name that stands where nothing else is capitalised."""
    end = word.start + len(word.plain)
    if word.is_acronym:
        return Name(word.start, end, word.plain, "name")
    if nouns_are_capital or word.first or len(word.plain) < 3 or word.low in small:
        return None
    if not word.plain[1:].islower() and not any(c.islower() for c in word.plain):
        return None
    return Name(word.start, end, word.plain, "name")


def _type_of(words: Sequence[_Word], *, title: bool) -> str:
    if title:
        return "person"
    is_firm = words[0].low in ORGANISATIONS or words[-1].low in ORGANISATIONS
    return "organization" if is_firm else "name"


def _shortened(text: str, found: Sequence[Name]) -> Iterator[Name]:
    """Acronyms that the text itself explains, `Bank of England (BoE)`, stand for the whole name."""
    full: dict[str, Name] = {}
    by_end = {each.end: each for each in found}
    for match in _DEFINED.finditer(text):
        for each in (by_end.get(match.start()), by_end.get(match.start() - 1)):
            if each is not None and _abbreviates(match.group(1), each.text):
                full[match.group(1)] = each
    for each in found:
        long = full.get(each.text)
        if long is None or each is long:
            yield each
        else:
            yield Name(each.start, each.end, each.text, long.type, full=long.text)


def _abbreviates(short: str, name: str) -> bool:
    words = [word for word in WORD.findall(name) if word.casefold() not in CONNECTORS]
    every = WORD.findall(name)
    return short.casefold() in (_initials(words), _initials(every))


def _initials(words: Sequence[str]) -> str:
    return "".join(word[0] for word in words).casefold()
