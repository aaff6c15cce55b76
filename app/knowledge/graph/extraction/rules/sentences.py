"""Where the sentences of a text begin and end."""

import re
from collections.abc import Iterator
from typing import Final

from app.knowledge.graph.extraction.rules.words import ABBREVIATIONS
from app.knowledge.graph.findings import Span

_END: Final = re.compile(
    r"[.!?…]+[\"'\u201d\u2019»)\]]*(?=\s)|\n\s*\n|\n(?=\s*(?:[-*•|#]|\d+[.)]\s))"
)
_LAST_WORD: Final = re.compile(r"([\w.]+)\.$")


def sentences(text: str) -> Iterator[Span]:
    """Spans without the white space around them; what has no end goes to the end of its block."""
    start = 0
    for found in _END.finditer(text):
        if found.group().startswith(".") and _abbreviates(text, start, found):
            continue
        yield from _trimmed(text, start, found.end())
        start = found.end()
    yield from _trimmed(text, start, len(text))


def _abbreviates(text: str, start: int, found: re.Match[str]) -> bool:
    """Whether the dot belongs to its word, or a small letter goes on after it."""
    word = _LAST_WORD.search(text[max(start, found.start() - 20) : found.start() + 1])
    rest = text[found.end() :].lstrip()
    if word and (word.group(1).casefold() in ABBREVIATIONS or _is_initial(word.group(1))):
        return True
    return rest[:1].islower()


def _is_initial(word: str) -> bool:
    """`J` in `J. S. Bach`."""
    return len(word) == 1 and word.isupper()


def _trimmed(text: str, start: int, end: int) -> Iterator[Span]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        yield start, end
