"""What stands around a term: its sentence, or more where that says little."""

import re
from bisect import bisect_right
from typing import Final

from app.knowledge.detection.matching.spans import Span

_END: Final = re.compile(r"[.!?\u2026]+[\"'\u201d\u2019)\]]*\s+|[\u3002\uff01\uff1f]+|\n\s*\n")
_PIECE: Final = re.compile(r"\S+")
_LITTLE: Final = 24
_AROUND: Final = 80
# How many words on either side a model is shown: what it costs grows with each, and seven tell it
# as much as whole sentences do.
_NEAR: Final = 7


class Windows:
    """The sentences of a text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(found.end() for found in _END.finditer(text))]

    def around(self, span: Span) -> str:
        """The sentence of a span; with its neighbours where it is short, cut where it is long."""
        return self._line(*self._bounds(span))

    def near(self, span: Span) -> str:
        """The words of it next to the span."""
        start, end = self._bounds(span)
        before = list(_PIECE.finditer(self._text, start, span.start))[-_NEAR:]
        after = list(_PIECE.finditer(self._text, span.end, end))[:_NEAR]
        return self._line(
            before[0].start() if before else span.start, after[-1].end() if after else span.end
        )

    def _bounds(self, span: Span) -> tuple[int, int]:
        first = last = bisect_right(self._starts, span.start) - 1
        if self._end(last) - self._starts[first] < _LITTLE:
            first, last = max(0, first - 1), min(len(self._starts) - 1, last + 1)
        start = max(self._starts[first], span.start - _AROUND)
        end = min(self._end(last), span.end + _AROUND)
        return start, end

    def _line(self, start: int, end: int) -> str:
        return " ".join(self._text[start:end].split())

    def _end(self, sentence: int) -> int:
        return self._starts[sentence + 1] if sentence + 1 < len(self._starts) else len(self._text)
