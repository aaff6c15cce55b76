"""Which of the terms found in a text stand: the leftmost, of these the longest, with all senses."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from app.knowledge.detection.matching.lexicon import Group, Lexicon, Match
from app.knowledge.detection.matching.words import Word, words_of

# Of terms at places, before those that overlap others fall away: 25 MB.
MOST_MATCHES: Final = 200_000


@dataclass(frozen=True, slots=True)
class Span:
    """Code points `start` to `end` of a text, and every term that it may be."""

    start: int
    end: int
    matches: tuple[Match, ...]


class Found(NamedTuple):
    """`truncated`: the text has more terms than are told."""

    spans: list[Span]
    truncated: bool


def find(lexicon: Lexicon, text: str, languages: Collection[str] | None = None) -> list[Span]:
    """The terms in a text, in their order; none overlaps another."""
    return look(lexicon, text, languages).spans


def look(lexicon: Lexicon, text: str, languages: Collection[str] | None = None) -> Found:
    """What `find` finds, up to where there are MOST_MATCHES."""
    words = words_of(text)
    end = len(text) + 1
    found: list[Match] = []
    horizon = end
    most = MOST_MATCHES // max(1, len(lexicon.groups) * (2 if words.chains else 1))
    for group in lexicon.groups:
        # What has no chain in it is the same in both views.
        for view in (words.apart, words.near_chains(group.longest - 1)):
            own, until = _matches(group, view, languages, most)
            found += own
            horizon = min(horizon, end if until is None else until)
    spans, _ = settle(found, horizon, 0)
    return Found(spans, horizon < end)


def _matches(
    group: Group, words: list[Word], languages: Collection[str] | None, most: int
) -> tuple[list[Match], int | None]:
    """The first matches, and where one that is left out may begin."""
    found: list[Match] = []
    for last, match in group.matches(words, group.ids(words), languages):
        if len(found) == most:
            return found, words[max(0, last + 1 - group.longest)].start
        found.append(match)
    return found, None


def settle(
    found: Iterable[Match], horizon: int, taken_until: int
) -> tuple[list[Span], list[Match]]:
    """Choose among matches that start before `horizon`; returns the spans, and what must wait.

    `taken_until` is where the last chosen one ended.
    """
    spans: list[Span] = []
    waiting: list[Match] = []
    same: list[Match] = []
    for match in sorted(found, key=lambda match: (match.start, -match.end)):
        if same and (match.start, match.end) == (same[0].start, same[0].end):
            same.append(match)
        elif match.start >= horizon:
            waiting.append(match)
        elif match.start >= taken_until:
            if same:
                spans.append(_span(same))
            same, taken_until = [match], match.end
    if same:
        spans.append(_span(same))
    return spans, waiting


def _span(matches: list[Match]) -> Span:
    """One match a term: the exact one, where a term is found in several ways."""
    best: dict[tuple[object, str, str], Match] = {}
    for match in sorted(matches, key=_rank):
        best.setdefault((match.term.entry_id, match.term.language, match.term.text), match)
    return Span(matches[0].start, matches[0].end, tuple(best.values()))


def _rank(match: Match) -> tuple[bool, str, str, str]:
    return (not match.exact, match.term.language, match.term.text, str(match.term.entry_id))
