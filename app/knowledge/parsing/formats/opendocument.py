"""Text documents of LibreOffice and its kin."""

from typing import TYPE_CHECKING, Final

from app.knowledge.parsing.archive import checked
from app.knowledge.parsing.errors import DocumentEncrypted, DocumentUnreadable
from app.knowledge.parsing.formats import xml
from app.knowledge.parsing.writing import Writer

if TYPE_CHECKING:
    from lxml.etree import _Element

_SPACE: Final = "{urn:oasis:names:tc:opendocument:xmlns:"
TEXT: Final = _SPACE + "text:1.0}"
TABLE: Final = _SPACE + "table:1.0}"
OFFICE: Final = _SPACE + "office:1.0}"
_BESIDE: Final = frozenset({TEXT + "note", OFFICE + "annotation", TEXT + "ruby-text"})
_SPACES: Final = {TEXT + "s": " ", TEXT + "tab": "\t", TEXT + "line-break": "\n"}
_WIDEST: Final = 100


def read(content: bytes, writer: Writer) -> None:
    with checked(content, writer.limits) as archive:
        if b"encryption-data" in archive.read("META-INF/manifest.xml"):
            raise DocumentEncrypted("Remove its password and send it again.")
        root = xml.parse(archive, "content.xml")
    body = root.find(f"{OFFICE}body/{OFFICE}text")
    if body is None:
        raise DocumentUnreadable("It is no text document.")
    _write(body, writer, 0)


def _write(parent: "_Element", writer: Writer, lists: int) -> None:
    for child in parent:
        if child.tag == TEXT + "h":
            level = child.get(TEXT + "outline-level") or "1"
            writer.heading(_text(child), int(level) if level.isdecimal() else 1)
            _write_notes(child, writer)
        elif child.tag == TEXT + "p":
            write = writer.paragraph if not lists else lambda text: writer.item(text, lists)
            write(_text(child))
            _write_notes(child, writer)
        elif child.tag == TABLE + "table":
            writer.table(_cells(row) for row in child.iter(TABLE + "table-row"))
            _write_notes(child, writer)
        elif child.tag in (
            TEXT + "list",
            TEXT + "list-item",
            TEXT + "section",
            TEXT + "list-header",
        ):
            _write(child, writer, lists + (child.tag == TEXT + "list"))


def _write_notes(element: "_Element", writer: Writer) -> None:
    """Footnotes and endnotes follow what they are noted in."""
    for note in element.iter(TEXT + "note-body"):
        _write(note, writer, 0)


def _cells(row: "_Element") -> list[str]:
    cells: list[str] = []
    for cell in row.iter(TABLE + "table-cell", TABLE + "covered-table-cell"):
        repeated = cell.get(TABLE + "number-columns-repeated") or "1"
        times = min(int(repeated), _WIDEST) if repeated.isdecimal() else 1
        paragraphs = (each for each in cell.iter(TEXT + "p") if not _is_beside(each))
        cells += [" ".join(map(_text, paragraphs))] * times
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _is_beside(paragraph: "_Element") -> bool:
    return next(paragraph.iterancestors(*_BESIDE), None) is not None


def _text(element: "_Element") -> str:
    """The text of an element in its order, without notes and comments."""
    pieces = [_SPACES.get(str(element.tag), element.text or "")]
    for child in element:
        if child.tag not in _BESIDE:
            pieces.append(_text(child))
        pieces.append(child.tail or "")
    return "".join(pieces)
