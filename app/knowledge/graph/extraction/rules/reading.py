"""A passage read by rules: its terms, its names, and what stands together in its sentences."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Final

from app.knowledge.graph.extraction.rules.names import Name, names
from app.knowledge.graph.extraction.rules.sentences import sentences
from app.knowledge.graph.extraction.terms import CONCEPT, Entry, Found
from app.knowledge.graph.findings import Findings, Gathering, Mention, Span, Tie
from app.knowledge.graph.keys import RELATED, key_of

# Counted up where these rules find something else than before.
VERSION: Final = "rules-1"
MOST_TOGETHER: Final = 12
LONGEST: Final = 50_000
_GERMAN: Final = re.compile(r"\b(?:der|die|das|und|ist|nicht|mit|für|von|ein|eine|wird)\b")


def read(
    text: str, terms: Iterable[Found], *, language: str = "simple", entry: Entry | None = None
) -> Findings:
    """What a text tells. `language` is a text search configuration's name."""
    gathering = Gathering()
    placed: list[tuple[Span, str]] = []
    for found in terms:
        _put(gathering, placed, Mention(found.key, found.name, CONCEPT, (found.span,)))
    taken = sorted(span for span, _ in placed)
    spans = list(sentences(text))
    for name in names(text, spans, nouns_are_capital=_is_german(text, language)):
        if not _overlaps((name.start, name.end), taken):
            _put(gathering, placed, _mention(name))
    for one, other, span in _together(spans, placed):
        gathering.tie(Tie(one, other, RELATED, (span,)))
    if entry is not None:
        for key, called in entry.names.items():
            gathering.mention(Mention(key, called, CONCEPT))
        for tie in entry.ties:
            gathering.tie(tie)
    return gathering.whole()


def _mention(name: Name) -> Mention:
    whole = name.full or name.text
    return Mention(key_of(whole), whole, name.type, ((name.start, name.end),))


def _put(gathering: Gathering, placed: list[tuple[Span, str]], mention: Mention) -> None:
    gathering.mention(mention)
    placed.extend((span, mention.key) for span in mention.spans)


def _together(
    spans: Sequence[Span], placed: Sequence[tuple[Span, str]]
) -> Iterable[tuple[str, str, Span]]:
    """The pairs of keys that stand in one sentence, in the order of their keys."""
    ordered = sorted(placed)
    starts = [span[0] for span, _ in ordered]
    for start, end in spans:
        within = ordered[bisect_left(starts, start) : bisect_left(starts, end)]
        here = {key: None for (_, b), key in within if b <= end}
        for one, other in combinations(sorted(list(here)[:MOST_TOGETHER]), 2):
            yield one, other, (start, end)


def _overlaps(span: Span, taken: Sequence[Span]) -> bool:
    """Whether a span lies over one of these, which are in order and apart."""
    at = bisect_left(taken, (span[1], 0))
    return at > 0 and taken[at - 1][1] > span[0]


def _is_german(text: str, language: str) -> bool:
    """Whether every noun is capitalised here."""
    if language != "simple":
        return language == "german"
    words = len(text.split()) or 1
    return len(_GERMAN.findall(text)) / words > 0.06
