"""What stands around a term: its sentence, or more where that says little."""

import re
from bisect import bisect_right
from typing import Final

from app.knowledge.detection.matching.spans import Span

_END: Final = re.compile(r"[.!?\u2026]+[\"'\u201d\u2019)\]]*\s+|[\u3002\uff01\uff1f]+|\n\s*\n")
_LITTLE: Final = 24
_AROUND: Final = 80


class Windows:
    """The sentences of a text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(found.end() for found in _END.finditer(text))]

    def around(self, span: Span) -> str:
        """The sentence of a span; with its neighbours where it is short, cut where it is long."""
        first = last = bisect_right(self._starts, span.start) - 1
        if self._end(last) - self._starts[first] < _LITTLE:
            first, last = max(0, first - 1), min(len(self._starts) - 1, last + 1)
        start = max(self._starts[first], span.start - _AROUND)
        end = min(self._end(last), span.end + _AROUND)
        return " ".join(self._text[start:end].split())

    def _end(self, sentence: int) -> int:
        return self._starts[sentence + 1] if sentence + 1 < len(self._starts) else len(self._text)
