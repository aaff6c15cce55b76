"""PDF: the text of its pages, with headings by its outline or by how large lines are set."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Final

from app.knowledge.parsing.errors import (
    DocumentEncrypted,
    DocumentTooLong,
    DocumentUnreadable,
    NoTextFound,
)
from app.knowledge.parsing.formats.pdf_lines import BULLETS, Line, is_row, lines_of
from app.knowledge.parsing.formats.pdf_running import running_lines
from app.knowledge.parsing.formats.pdf_tables import rows_of
from app.knowledge.parsing.writing import Writer, one_line

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

_LONGEST_HEADING: Final = 200
_LARGER: Final = 1.12
_FURTHEST_ROW: Final = 4
_PARTED: Final = 1.25
# What programs write where nobody gave a title.
_NO_TITLES: Final = frozenset(("(anonymous)", "untitled", "(untitled)", "(unspecified)"))


def read(content: bytes, writer: Writer) -> None:
    document = _open(content)
    try:
        pages = len(document)
        if pages > writer.limits.pages:
            raise DocumentTooLong(
                f"It has {pages} pages; at most {writer.limits.pages} are read: split it."
            )
        writer.title = _title(document)
        lines = [*_lines(document, writer)]
        if not lines:
            raise NoTextFound("Its pages are pictures: text in pictures is not recognised.")
        _write(lines, _Layout(lines, _outline(document)), writer)
        writer.pages = pages
        _warn_of_pictures(pages, len({line.page for line in lines}), writer)
    finally:
        document.close()


def _open(content: bytes) -> "PdfDocument":
    import pypdfium2  # noqa: PLC0415 - in a process that reads PDFs

    try:
        return pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        # The library tells its reasons in words alone.
        if "password" in str(error).lower() or "security" in str(error).lower():
            raise DocumentEncrypted("Remove its password and send it again.") from error
        raise DocumentUnreadable("It is no PDF that can be read.") from error


def _title(document: "PdfDocument") -> str:
    told = one_line(document.get_metadata_value("Title")).removeprefix("Microsoft Word - ")
    return "" if told.lower() in _NO_TITLES else told[:300]


def _lines(document: "PdfDocument", writer: Writer) -> Iterator[Line]:
    """The lines of all pages but those that run along at their edges."""
    import pypdfium2  # noqa: PLC0415 - as above

    found: list[Line] = []
    room = writer.limits.characters
    for number in range(len(document)):
        try:
            page = document.get_page(number)
        except pypdfium2.PdfiumError:
            writer.warn(f"Page {number + 1} is broken and was left out.")
            continue
        of_page = [*lines_of(page, number + 1)]
        page.close()
        found += of_page
        room -= sum(len(line.text) for line in of_page)
        if room < 0:
            raise DocumentTooLong(f"It has more than {writer.limits.characters} characters.")
    running = running_lines(found, len(document))
    return (line for line in found if line not in running)


def _outline(document: "PdfDocument") -> dict[tuple[int, str], int]:
    """Levels of headings by page and text, as the document's bookmarks have them."""
    levels: dict[tuple[int, str], int] = {}
    for entry in document.get_toc(max_depth=6):
        target = entry.get_dest()
        index = target.get_index() if target is not None else None
        if index is not None and len(levels) < 10_000:
            levels[index + 1, _plain(entry.get_title())] = entry.level + 1
    return levels


class _Layout:
    """How the text is set. Headings are what the outline names, or lines larger than most."""

    def __init__(self, lines: list[Line], outline: dict[tuple[int, str], int]) -> None:
        self._outline = outline
        sizes: Counter[float] = Counter()
        for line in lines:
            sizes[line.size] += len(line.text)
        self.body = sizes.most_common(1)[0][0]
        larger = sorted((s for s in sizes if s >= self.body * _LARGER), reverse=True)
        self._pitches = _pitches(lines)
        # Were most of its sizes larger ones, they would say nothing.
        self._by_size = {size: min(rank, 6) for rank, size in enumerate(larger[:12], 1)}

    def pitch(self, size: float) -> float:
        """How far lines of this size are usually apart."""
        return self._pitches.get(size, 1.35 * max(size, 1))

    def of(self, lines: list[Line]) -> int:
        """The level of the heading that these lines are; 0 for text."""
        text = " ".join(line.text for line in lines)
        if len(text) > _LONGEST_HEADING or not any(c.isalpha() for c in text):
            return 0
        named = self._outline.get((lines[0].page, _plain(text)))
        return named or self._by_size.get(lines[0].size, 0)


def _pitches(lines: list[Line]) -> dict[float, float]:
    """The most common distance between two lines of a size, where one is common."""
    distances: dict[float, Counter[float]] = defaultdict(Counter)
    for above, below in pairwise(lines):
        down = above.top - below.top
        if above.size == below.size and above.page == below.page and 0 < down < 3 * below.size:
            distances[below.size][round(down, 1)] += 1
    common = {size: counted.most_common(1)[0] for size, counted in distances.items()}
    return {size: distance for size, (distance, times) in common.items() if times > 2}


def _write(lines: list[Line], layout: _Layout, writer: Writer) -> None:
    for page, of_page in groupby(lines, key=lambda line: line.page):
        writer.turn(page)
        for group in _paragraphs(list(of_page), layout):
            _write_group(group, layout.of(group), writer)


def _write_group(group: list[Line], level: int, writer: Writer) -> None:
    rows = rows_of(group) if is_row(group[0]) else None
    if rows is not None:
        writer.table(rows)
    elif level:
        writer.heading(_joined(group), level)
    elif group[0].text.startswith(BULLETS):
        writer.item(_joined(group).lstrip("•‣▪●◦\u2013-*\uf0b7 "))
    else:
        writer.paragraph(_joined(group))


def _paragraphs(lines: list[Line], layout: _Layout) -> Iterator[list[Line]]:
    """Lines that belong together: set alike, and no more than a line's space apart."""
    group: list[Line] = []
    for line in lines:
        if group and _begins(group, line, layout):
            yield group
            group = []
        group.append(line)
    if group:
        yield group


def _begins(group: list[Line], line: Line, layout: _Layout) -> bool:
    """Whether a line begins another paragraph than the group before it."""
    last = group[-1]
    if is_row(line) != is_row(last) or abs(line.size - last.size) > 0.6:
        return True
    if is_row(line):
        return not 0 < last.top - line.top < _FURTHEST_ROW * line.size
    if line.text.startswith(BULLETS) or layout.of([line]) != layout.of([last]):
        return True
    if layout.of([last]) and layout.of([*group, line]) == 0:
        return True
    down = last.top - line.top
    # Upwards is the next column: the same paragraph goes on there unless it was at its end.
    if down < -line.size:
        return last.text.endswith((".", "!", "?", ":"))
    return down > layout.pitch(line.size) * _PARTED


def _joined(lines: list[Line]) -> str:
    """One paragraph of its lines, words that were parted at their ends put together."""
    text = ""
    for line in lines:
        if text.endswith("\u00ad") or (text.endswith("-") and line.text[:1].islower()):
            text = text[:-1] + line.text
        else:
            text = f"{text} {line.text}" if text else line.text
    return text.replace("\u00ad", "")


def _plain(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _warn_of_pictures(pages: int, with_text: int, writer: Writer) -> None:
    if with_text < pages:
        without = pages - with_text
        writer.warn(f"{without} of {pages} pages have no text; pictures are not recognised.")
