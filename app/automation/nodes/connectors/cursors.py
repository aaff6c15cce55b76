"""Rows in the order of a column, and where a page of them may end: never between equal values."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.agents.databases.reading import parsed
from app.automation.nodes.connectors.connector import Reject, Rows
from app.automation.nodes.node_type import StepFault

Mark = int | float | str
LONGEST_MARK: Final = 1000
# As the server writes `{"cursor": …, "row": …}`; a long line is cut off at its end.
_CURSOR: Final = '{"cursor":'
_ROW: Final = ',"row":'
_WHOLE: Final = 2**63
# A number with a fraction stays as it is written: none is rounded.
_DECODER: Final = json.JSONDecoder(parse_float=str)


@dataclass(frozen=True, slots=True)
class Line:
    """A row with its cursor; `row` is None where it was too long, and `text` how it begins."""

    mark: Any
    row: Any
    text: str

    def reject(self, index: int) -> Reject:
        return Reject(index, "row_too_long", "The row is too long.", self.text)


def read_line(line: str) -> Line:
    """Raises StepFault: `cursor_unfit` where its value is none that rows can be ordered by."""
    try:
        mark, end = _DECODER.raw_decode(line, len(_CURSOR))
        if isinstance(mark, int) and not isinstance(mark, bool) and abs(mark) >= _WHOLE:
            mark = str(mark)
    except ValueError:
        mark, end = {}, 0
    if isinstance(mark, bool | list | dict) or (isinstance(mark, str) and len(mark) > LONGEST_MARK):
        said = "The cursor's column holds no number, moment or short text: take another one."
        raise StepFault("cursor_unfit", said)
    text = line[end + len(_ROW) :]
    try:
        return Line(mark, parsed(text[:-1]), text)
    except ValueError:
        return Line(mark, None, text)


def ended(lines: Sequence[Line], most: int) -> int:
    """How many lines a page of at most `most` has, so that the next one begins with another value.

    0 where all that could be in it have the same, and more of it follow.
    """
    if most >= len(lines):
        return len(lines)
    while most > 0 and lines[most - 1].mark == lines[most].mark:
        most -= 1
    return most


def first_group(lines: Sequence[Line]) -> int:
    """How many lines have the first one's value; 0 where that is all of them."""
    return next((at for at, line in enumerate(lines) if line.mark != lines[0].mark), 0)


def page(lines: Sequence[Line], cursor: Any, *, more: bool) -> Rows:
    """These lines, and the last one's value to go on from."""
    rows = [line.row for line in lines if line.row is not None]
    rejects = [line.reject(at) for at, line in enumerate(lines) if line.row is None]
    return Rows(rows, lines[-1].mark if lines else cursor, more, rejects)
