"""The lines of a PDF's page, with where they stand and how large they are set."""

import ctypes
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.knowledge.parsing.writing import clean

if TYPE_CHECKING:
    from pypdfium2 import PdfPage, PdfTextPage

BULLETS: Final = ("•", "‣", "▪", "●", "◦", "\uf0b7", "\u2013 ", "- ", "* ")
_HYPHENS: Final = str.maketrans({"\x02": "\u00ad", "\ufffe": "\u00ad"})
_ENUMERATED: Final = re.compile(r"(?:[•‣▪●◦\uf0b7\u2013*-]|\(?[0-9a-zA-Z]{1,3}[.)])$")
_MARGIN: Final = 0.075
# In heights of a line: characters of text are narrower on average, spaces in it too.
_WIDE_CHARACTERS: Final = 0.44
_WIDE_GAP: Final = 0.85


@dataclass(frozen=True, slots=True)
class Cell:
    """A piece of a line that stands apart from the next."""

    text: str
    left: float
    right: float


@dataclass(frozen=True, slots=True)
class Line:
    """In points: `top` from the page's lower edge, and the height `size` that it is set in.

    `cells` are its pieces where wide gaps part it. `at_edge` tells the upper and lower margins.
    """

    page: int
    text: str
    top: float
    size: float
    cells: tuple[Cell, ...] = ()
    at_edge: bool = False


@dataclass(frozen=True, slots=True)
class _Box:
    left: float
    right: float
    top: float
    height: float


def lines_of(page: "PdfPage", number: int) -> list[Line]:
    """The lines of a page in the order in which it draws them."""
    height = page.get_height()
    text_page = page.get_textpage()
    try:
        return [*_Lines(text_page, number, height)]
    finally:
        text_page.close()


class _Lines:
    def __init__(self, text_page: "PdfTextPage", number: int, height: float) -> None:
        from pypdfium2 import raw  # noqa: PLC0415 - in a process that reads PDFs

        self._raw = raw
        self._area = raw.FS_RECTF()
        self._text_page = text_page
        self._number = number
        self._height = height

    def __iter__(self) -> Iterator[Line]:
        offset = 0
        for raw in self._text_page.get_text_range().split("\r\n"):
            text = clean(raw.translate(_HYPHENS)).strip()
            if text:
                yield self._line(raw, text, offset)
            offset += len(raw) + 2

    def _line(self, raw: str, text: str, offset: int) -> Line:
        begin = offset + len(raw) - len(raw.lstrip())
        end = offset + len(raw.rstrip()) - 1
        first, middle, last = (self._box(at) for at in (begin, (begin + end) // 2, end))
        found = [box for box in (first, middle, last) if box is not None]
        if not found:
            return Line(self._number, text, 0.0, 0.0)
        top = max(box.top for box in found)
        size = round(sorted(box.height for box in found)[len(found) // 2] * 2) / 2
        cells: tuple[Cell, ...] = ()
        if first is not None and last is not None:
            wide = (last.right - first.left) > _WIDE_CHARACTERS * size * len(text)
            if wide and " " in text:
                cells = tuple(self._cells(raw, offset, size))
        margin = self._height * _MARGIN
        at_edge = not margin < top < self._height - margin
        return Line(self._number, text, top, size, cells, at_edge)

    def _cells(self, raw: str, offset: int, size: float) -> Iterator[Cell]:
        """The pieces of a line between gaps that are wider than any space in text."""
        begin = left = right = None
        for word in re.finditer(r"\S+", raw):
            first, last = self._box(offset + word.start()), self._box(offset + word.end() - 1)
            if first is None or last is None:
                continue
            if begin is None or left is None or right is None:
                begin, left = word.start(), first.left
            elif first.left - right > _WIDE_GAP * size:
                yield Cell(clean(raw[begin : word.start()]).strip(), left, right)
                begin, left = word.start(), first.left
            right = last.right
        if begin is not None and left is not None and right is not None:
            yield Cell(clean(raw[begin:]).strip(), left, right)

    def _box(self, place: int) -> _Box | None:
        """Where a character of the page's text stands, with the room its font leaves it."""
        index = self._raw.FPDFText_GetCharIndexFromTextIndex(self._text_page, place)
        area = self._area
        if index < 0 or not self._raw.FPDFText_GetLooseCharBox(
            self._text_page, index, ctypes.byref(area)
        ):
            return None
        top, bottom = max(area.top, area.bottom), min(area.top, area.bottom)
        return _Box(min(area.left, area.right), max(area.left, area.right), top, top - bottom)


def is_row(line: Line) -> bool:
    """Whether a line may be a row of a table: more than a bullet or a number before its text."""
    cells = line.cells
    return len(cells) > 2 or (len(cells) == 2 and not _ENUMERATED.match(cells[0].text))
