"""The terms of some dictionaries, compiled: Aho-Corasick over the stems of whole words."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Protocol
from uuid import UUID

from app.knowledge.detection.matching.forms import is_form, stemmer_of, stems
from app.knowledge.detection.matching.words import Word, words_of

# Of words that no term has, and of what no term goes across.
UNKNOWN, BREAK = 0, 1
MOST_WORDS: Final = 24
# Terms of one language that are the same words; those beyond are not looked for.
MOST_HOMOGRAPHS: Final = 50
_SHORT: Final = 6

Key = tuple[int, ...]


class TermLike(Protocol):
    """What is read of a row of `terminology_terms`."""

    @property
    def entry_id(self) -> UUID: ...
    @property
    def dictionary_id(self) -> UUID: ...
    @property
    def language(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def status(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Term:
    """A term of a concept. `cased`: only as it is written (`IT`), or as its plural (`PDFs`)."""

    entry_id: UUID
    dictionary_id: UUID
    language: str
    text: str
    status: str
    cased: bool
    norms: tuple[str, ...]
    surfaces: tuple[str, ...]

    @property
    def forbidden(self) -> bool:
        return self.status == "forbidden"


class Match(NamedTuple):
    """A term at code points `start` to `end`. `exact`: in the very form that the term has."""

    start: int
    end: int
    term: Term
    exact: bool


@dataclass(slots=True)
class Group:
    """The terms of all languages that share one stemmer. `open` are beginnings of longer keys."""

    stemmer: str
    vocabulary: dict[str, int] = field(default_factory=dict)
    terms: list[list[Term]] = field(default_factory=list)
    open: set[Key] = field(default_factory=set)
    longest: int = 1
    automaton: Any = None

    def ids(self, words: Sequence[Word]) -> list[int]:
        known = self.vocabulary.get
        forms = stems(self.stemmer, [word.norm for word in words])
        return [
            known(form, UNKNOWN) if word.norm else BREAK
            for word, form in zip(words, forms, strict=True)
        ]

    def matches(
        self, words: Sequence[Word], ids: Sequence[int], languages: Collection[str] | None
    ) -> Iterator[tuple[int, Match]]:
        """Each term at each place, with the index of its last word."""
        for end, pattern in self.automaton.iter(_letters(ids)):
            last = end // 2
            for term in self.terms[pattern]:
                if languages is not None and not speaks(term.language, languages):
                    continue
                found = words[last + 1 - len(term.norms) : last + 1]
                exact = _agrees(self.stemmer, term, found)
                if exact is not None:
                    yield last, Match(found[0].start, found[-1].end, term, exact)


@dataclass(frozen=True, slots=True)
class Lexicon:
    """What is looked for in texts; never changed once it is built."""

    groups: tuple[Group, ...]
    count: int

    @property
    def terms(self) -> Iterator[Term]:
        seen = set()
        for group in self.groups:
            for terms in group.terms:
                for term in terms:
                    mark = (term.entry_id, term.language, term.text)
                    if mark not in seen:
                        seen.add(mark)
                        yield term


def build(rows: Iterable[TermLike]) -> Lexicon:
    """Compile terms; one of no word, or of more than MOST_WORDS, is never found."""
    import ahocorasick  # type: ignore[import-not-found]  # noqa: PLC0415 - where there are terms

    by_stemmer: dict[str, list[TermLike]] = defaultdict(list)
    for row in rows:
        by_stemmer[stemmer_of(row.language)].append(row)
    groups = []
    for stemmer, own in sorted(by_stemmer.items()):
        group = Group(stemmer)
        automaton = ahocorasick.Automaton(ahocorasick.STORE_INTS, ahocorasick.KEY_SEQUENCE)
        patterns: dict[Key, int] = {}
        for row in own:
            for term in _variants(row):
                _insert(group, patterns, term)
        for key, pattern in patterns.items():
            automaton.add_word(_letters(key), pattern)
        if patterns:
            automaton.make_automaton()
            group.automaton = automaton
            groups.append(group)
    return Lexicon(tuple(groups), sum(len(own) for own in by_stemmer.values()))


def _letters(ids: Iterable[int]) -> Key:
    """Words as an automaton reads them: two letters each, so that few may follow any one.

    It goes through those that may, one by one: with a letter a word, through thousands.
    """
    return tuple(letter for each in ids for letter in ((each >> 8) + 256, each & 255))


def speaks(language: str, wanted: Collection[str]) -> bool:
    """Whether a term's language tag is one of those wanted: `de-AT` is of `de`, and so is `de`."""
    own = language.lower()
    for tag in wanted:
        low = tag.lower()
        if own == low or own.startswith(low + "-") or low.startswith(own + "-"):
            return True
    return False


def _variants(row: TermLike) -> Iterator[Term]:
    """A term as it is written, and where it has hyphens (`e-mail`), without them, too."""
    words = words_of(row.text)
    cased = _is_cased(row)
    for written in (words.apart, words.joined) if words.chains else (words.apart,):
        first, last = 0, len(written)
        while first < last and not written[first].norm:
            first += 1
        while last > first and not written[last - 1].norm:
            last -= 1
        kept = written[first:last]
        if 0 < len(kept) <= MOST_WORDS:
            yield Term(
                row.entry_id,
                row.dictionary_id,
                row.language,
                row.text,
                row.status,
                cased,
                tuple(word.norm for word in kept),
                tuple(word.surface for word in kept),
            )


def _is_cased(row: TermLike) -> bool:
    text = row.text.strip()
    if row.status == "abbreviation":
        return any(letter.isupper() for letter in text)
    return 1 < len(text) <= _SHORT and text.isupper()


def _insert(group: Group, patterns: dict[Key, int], term: Term) -> None:
    vocabulary = group.vocabulary
    forms = stems(group.stemmer, term.norms)
    key = tuple(
        vocabulary.setdefault(form, len(vocabulary) + 2) if norm else BREAK
        for norm, form in zip(term.norms, forms, strict=True)
    )
    pattern = patterns.setdefault(key, len(group.terms))
    if pattern == len(group.terms):
        group.terms.append([])
    if len(group.terms[pattern]) == MOST_HOMOGRAPHS:
        return
    group.terms[pattern].append(term)
    group.longest = max(group.longest, len(key))
    for length in range(1, len(key)):
        group.open.add(key[:length])


def _agrees(stemmer: str, term: Term, found: Sequence[Word]) -> bool | None:
    """Whether words are exactly a term, or one of its forms; None where they are neither."""
    exact = True
    last = found[-1]
    for norm, surface, word in zip(term.norms, term.surfaces, found, strict=True):
        if word.surface == surface:
            continue
        exact = False
        if term.cased:
            if word.surface != surface + "s":
                return None
        elif not is_form(stemmer, norm, word.norm, within=word is not last):
            return None
    return exact
