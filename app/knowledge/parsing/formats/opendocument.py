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
        elif child.tag == TEXT + "p":
            write = writer.paragraph if not lists else lambda text: writer.item(text, lists)
            write(_text(child))
        elif child.tag == TABLE + "table":
            writer.table(_cells(row) for row in child.iter(TABLE + "table-row"))
        elif child.tag in (
            TEXT + "list",
            TEXT + "list-item",
            TEXT + "section",
            TEXT + "list-header",
        ):
            _write(child, writer, lists + (child.tag == TEXT + "list"))


def _cells(row: "_Element") -> list[str]:
    cells: list[str] = []
    for cell in row.iter(TABLE + "table-cell", TABLE + "covered-table-cell"):
        repeated = cell.get(TABLE + "number-columns-repeated") or "1"
        times = min(int(repeated), _WIDEST) if repeated.isdecimal() else 1
        cells += [" ".join(_text(paragraph) for paragraph in cell.iter(TEXT + "p"))] * times
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _text(element: "_Element") -> str:
    pieces = [element.text or ""]
    for node in element.iterdescendants():
        if node.tag == TEXT + "s":
            pieces.append(" ")
        elif node.tag == TEXT + "tab":
            pieces.append("\t")
        elif node.tag == TEXT + "line-break":
            pieces.append("\n")
        else:
            pieces.append(node.text or "")
        pieces.append(node.tail or "")
    return "".join(pieces)
