"""Running heads and feet: lines at the edges of pages that come again and again."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final

from app.knowledge.parsing.formats.pdf_lines import Line

_DIGITS: Final = re.compile(r"\d+")
_FEWEST_PAGES: Final = 4


def running_lines(lines: Iterable[Line], pages: int) -> set[Line]:
    """Lines in the margins that, but for numbers, stand on more than half the pages."""
    if pages < _FEWEST_PAGES:
        return set()
    edges = [line for line in lines if line.at_edge]
    seen = Counter(_shape(line) for line in edges)
    return {line for line in edges if seen[_shape(line)] * 2 > pages}


def _shape(line: Line) -> tuple[str, int]:
    """A line without its numbers, and where it stands, give or take two points."""
    return _DIGITS.sub("#", line.text)[:200], round(line.top / 4)
