"""Where a text can be cut: between sentences, else between words, else anywhere."""

import re
from collections.abc import Callable, Iterator
from typing import Final

Span = tuple[int, int]

_END: Final = re.compile(
    "[.!?\u2026]+[\"'\u201d\u2019\u00bb)\\]]*\\s+|[\u3002\uff01\uff1f]+[\u300d\u300f\uff09]*\\s*|\n"
)
_ABBREVIATION: Final = re.compile(
    r"(?:^|[\s(])(?:[A-Za-z]|[A-Za-z]\.\s?[A-Za-z]|Dr|Mr|Mrs|Ms|Prof|Sr|Jr|St|vs|etc|cf|Fig|No|Nr|"
    r"Abs|Art|bzw|ca|evtl|ggf|inkl|Mio|Mrd|usw|vgl|Bd|Hrsg|Tel|Inc|Ltd|Co|Corp|approx|Vol|pp|Sec|"
    r"[0-9]{1,2})\.\s+$"
)
_WORD_GAP: Final = re.compile(r"\s+")


def sentences(text: str, span: Span) -> Iterator[Span]:
    """The sentences within a span, without the white space between them."""
    start, end = span
    begin = start
    for found in _END.finditer(text, start, end):
        lead = text[max(begin, found.end() - 16) : found.end()]
        if text[found.end() : found.end() + 1].islower() or _ABBREVIATION.search(lead):
            continue
        yield from _trimmed(text, begin, found.end())
        begin = found.end()
    yield from _trimmed(text, begin, end)


def lines(text: str, span: Span) -> Iterator[Span]:
    """The lines within a span that are not empty; spaces at their beginnings are kept."""
    begin = span[0]
    while begin < span[1]:
        found = text.find("\n", begin, span[1])
        end = span[1] if found < 0 else found
        if text[begin:end].strip():
            yield begin, end
        begin = end + 1


def pieces(text: str, span: Span, most: int, cost: Callable[[str], int]) -> Iterator[Span]:
    """A span cut into pieces that cost at most `most`, between words where there are any."""
    begin, end = span
    while begin < end:
        stop = _reach(text, begin, end, most, cost)
        if stop < end:
            gaps = [found.start() for found in _WORD_GAP.finditer(text, begin + 1, stop + 1)]
            stop = gaps[-1] if gaps and gaps[-1] > begin else stop
        yield from _trimmed(text, begin, stop)
        begin = stop
        while begin < end and text[begin].isspace():
            begin += 1


def _reach(text: str, begin: int, end: int, most: int, cost: Callable[[str], int]) -> int:
    """How far from `begin` the costs allow, by halving; at least one character."""
    # No text costs less than a token every ten characters but white space.
    low, high = begin + 1, min(end, begin + most * 20)
    while low < high:
        middle = (low + high + 1) // 2
        if cost(text[begin:middle]) <= most:
            low = middle
        else:
            high = middle - 1
    return low


def _trimmed(text: str, begin: int, end: int) -> Iterator[Span]:
    while begin < end and text[begin].isspace():
        begin += 1
    while end > begin and text[end - 1].isspace():
        end -= 1
    if begin < end:
        yield begin, end
