"""The text of a document, written block by block within the limits."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from app.knowledge.parsing.document import Block, BlockKind
from app.knowledge.parsing.errors import DocumentTooLong
from app.knowledge.parsing.letters import plain_letters
from app.knowledge.parsing.limits import ParseLimits

GAP: Final = "\n\n"
# Control characters but tab and newline; halves of pairs, which no encoding has; not-characters.
_REFUSED: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")
_NEWLINES: Final = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_SPACES: Final = re.compile(r"[^\S\n]+")
_LINE_ENDS: Final = re.compile(r"[^\S\n]+$", re.MULTILINE)


def clean(text: str) -> str:
    """Text that JSON and Postgres take, with plain newlines between its lines."""
    return _REFUSED.sub("", _NEWLINES.sub("\n", text))


def one_line(text: str) -> str:
    """Text without line breaks or runs of spaces."""
    return " ".join(plain_letters(clean(text)).split())


def flowing(text: str) -> str:
    """Text with single spaces, its lines kept and stripped."""
    lines = (line.strip() for line in _SPACES.sub(" ", plain_letters(clean(text))).split("\n"))
    return "\n".join(line for line in lines if line)


class Writer:
    """Takes blocks in reading order; raises DocumentTooLong past a limit.

    `page` is where the next blocks stand; `title` what the document calls itself.
    """

    def __init__(self, limits: ParseLimits) -> None:
        self.limits = limits
        self.blocks: list[Block] = []
        self.page: int | None = None
        self.pages: int | None = None
        self.title = ""
        self.warnings: list[str] = []
        self._parts: list[str] = []
        self._length = 0

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def turn(self, page: int) -> None:
        """Go on with a page, the first is 1."""
        if page > self.limits.pages:
            raise DocumentTooLong(f"It has more than {self.limits.pages} pages.")
        self.page = self.pages = page

    def warn(self, sentence: str) -> None:
        if sentence not in self.warnings and len(self.warnings) < 20:
            self.warnings.append(sentence[:500])

    def heading(self, text: str, level: int) -> None:
        line = one_line(text)
        if line:
            self._add("heading", line, level=max(1, min(level, 6)))
            self.title = self.title or line[:300]

    def paragraph(self, text: str) -> None:
        self._add("paragraph", flowing(text))

    def item(self, text: str, level: int = 1) -> None:
        """An item of a list, `level` lists deep."""
        self._add("list", flowing(text), level=max(1, min(level, 9)))

    def code(self, text: str, name: str = "") -> None:
        """Text whose spaces mean something."""
        cleaned = _LINE_ENDS.sub("", clean(text)).strip("\n")
        self._add("code", cleaned if cleaned.strip() else "", name=one_line(name)[:200])

    def table(self, rows: Iterable[Sequence[str]]) -> None:
        """Rows of cells, the first is the header; rows without text are left out."""
        lines: list[str] = []
        width = room = 0
        for row in rows:
            cells = [_cell(cell) for cell in row]
            if not any(cells):
                continue
            if not lines:
                width = len(cells)
                lines += [_row(cells), "|" + " --- |" * width]
            else:
                lines.append(_row(cells + [""] * (width - len(cells))))
            room += len(lines[-1])
            self._bound(room)
        if lines:
            self._add("table", "\n".join(lines))

    def _add(self, kind: BlockKind, text: str, *, level: int = 0, name: str = "") -> None:
        if not text:
            return
        self._bound(len(text))
        if len(self.blocks) >= self.limits.blocks:
            raise DocumentTooLong(f"It has more than {self.limits.blocks} paragraphs.")
        gap = GAP if self._parts else ""
        if kind == "list" and self.blocks and self.blocks[-1].kind == "list":
            gap = "\n"
        start = self._length + len(gap)
        self._parts += (gap, text)
        self._length = start + len(text)
        self.blocks.append(Block(kind, start, self._length, level, self.page, name))

    def _bound(self, more: int) -> None:
        if self._length + more > self.limits.characters:
            raise DocumentTooLong(f"It has more than {self.limits.characters} characters.")


def _cell(text: str) -> str:
    return one_line(text).replace("|", "\\|")


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
