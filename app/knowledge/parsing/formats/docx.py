"""Word documents: headings by their styles or outline levels, lists, and tables."""

import io
from collections.abc import Iterator
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final

from app.knowledge.parsing.archive import checked
from app.knowledge.parsing.errors import DocumentUnreadable
from app.knowledge.parsing.writing import Writer

if TYPE_CHECKING:
    from docx.document import Document
    from lxml.etree import _Element

W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FORMULA: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/math}t"
_MAIN: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
# With macros (which are never looked at), and templates.
_OTHERS: Final = (
    "application/vnd.ms-word.document.macroEnabled.main+xml",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.template.main+xml",
)
_REFERENCES: Final = {W + "footnoteReference": "footnotes", W + "endnoteReference": "endnotes"}
_BREAKS: Final = {W + "tab": "\t", W + "br": "\n", W + "cr": "\n", W + "noBreakHyphen": "-"}
_WIDEST: Final = 100


def read(content: bytes, writer: Writer) -> None:
    checked(content, writer.limits).close()
    document = _open(content)
    writer.title = (document.core_properties.title or "").strip()[:300]
    _Reader(document, writer).write(document.element.body)


def _open(content: bytes) -> "Document":
    from docx.opc.part import PartFactory  # noqa: PLC0415 - in a process that reads Word files
    from docx.package import Package  # noqa: PLC0415 - as above
    from docx.parts.document import DocumentPart  # noqa: PLC0415 - as above

    for kind in _OTHERS:
        PartFactory.part_type_for[kind] = DocumentPart
    part = Package.open(io.BytesIO(content)).main_document_part
    if not isinstance(part, DocumentPart):
        raise DocumentUnreadable("It is no Word document.")
    document: Document = part.document
    return document


class _Reader:
    def __init__(self, document: "Document", writer: Writer) -> None:
        self._writer = writer
        self._levels = dict(_styled_levels(document))
        self._notes = dict(_notes(document))

    def write(self, parent: "_Element") -> None:
        for child in parent:
            if child.tag == W + "p":
                self._paragraph(child)
                self._write_notes(child)
            elif child.tag == W + "tbl":
                self._writer.table(_rows(child))
                self._write_notes(child)
            elif child.tag in (W + "sdt", W + "sdtContent", W + "ins", W + "customXml"):
                self.write(child)

    def _write_notes(self, element: "_Element") -> None:
        """Footnotes and endnotes follow what they are noted in, each once."""
        for reference in element.iter(*_REFERENCES):
            key = (_REFERENCES[str(reference.tag)], reference.get(W + "id") or "")
            if (note := self._notes.pop(key, None)) is not None:
                self.write(note)

    def _paragraph(self, element: "_Element") -> None:
        text = text_of(element)
        for box in element.iter(W + "txbxContent"):
            if not _is_inner(box, element):
                self.write(box)
        if not text.strip():
            return
        style = _value(element, "pPr/pStyle")
        outline = _value(element, "pPr/outlineLvl")
        level = int(outline) + 1 if outline.isdecimal() else self._levels.get(style, 0)
        depth = _value(element, "pPr/numPr/ilvl")
        if 1 <= level <= 9:
            self._writer.heading(text, level)
        elif depth or "list" in style.lower():
            self._writer.item(text, int(depth) + 1 if depth.isdecimal() else 1)
        else:
            self._writer.paragraph(text)


def _notes(document: "Document") -> Iterator[tuple[tuple[str, str], "_Element"]]:
    """Footnotes and endnotes by their kind and id."""
    from docx.oxml.parser import parse_xml  # noqa: PLC0415 - in a process that reads Word files

    for relation in document.part.rels.values():
        kind = relation.reltype.rpartition("/")[2]
        if kind in _REFERENCES.values() and not relation.is_external:
            for note in parse_xml(relation.target_part.blob):
                yield (kind, note.get(W + "id") or ""), note


def _styled_levels(document: "Document") -> Iterator[tuple[str, int]]:
    """The heading level of each paragraph style that has one, by its name or its outline level."""
    for style in document.styles.element.findall(W + "style"):
        identity = style.get(W + "styleId") or ""
        name = _value(style, "name").lower()
        outline = _value(style, "pPr/outlineLvl")
        if name == "title":
            yield identity, 1
        elif name.startswith("heading ") and name[8:].isdecimal():
            yield identity, int(name[8:])
        elif outline.isdecimal():
            yield identity, int(outline) + 1


def text_of(element: "_Element") -> str:
    """The text of a paragraph as it stands: insertions are in it, deletions and hidden text not."""
    pieces: list[str] = []
    for node in _within(element):
        if node.tag in (W + "t", _FORMULA):
            pieces.append(node.text or "")
        else:
            pieces.append(_BREAKS.get(str(node.tag), ""))
    return "".join(pieces)


def _within(element: "_Element") -> Iterator["_Element"]:
    """Everything in a paragraph but text boxes, which are paragraphs of their own."""
    waiting: list[Any] = [iter(element)]
    while waiting:
        node = next(waiting[-1], None)
        if node is None:
            waiting.pop()
        elif not _left_out(node):
            yield node
            waiting.append(iter(node))


def _is_inner(box: "_Element", element: "_Element") -> bool:
    """Whether a box is within another one, or drawn again for old versions of Word."""
    between = takewhile(lambda up: up is not element, box.iterancestors())
    return any(up.tag == W + "txbxContent" or up.tag.endswith("}Fallback") for up in between)


def _left_out(node: "_Element") -> bool:
    if node.tag in (W + "txbxContent", W + "del", W + "moveFrom", W + "pPr"):
        return True
    return node.tag == W + "r" and node.find(f"{W}rPr/{W}vanish") is not None


def _rows(table: "_Element") -> Iterator[list[str]]:
    for row in table.iter(W + "tr"):
        if next(row.iterancestors(W + "tbl"), None) is not table:
            continue
        cells: list[str] = []
        for cell in row.iter(W + "tc"):
            if next(cell.iterancestors(W + "tr"), None) is not row:
                continue
            merged = cell.find(f"{W}tcPr/{W}vMerge")
            continues = merged is not None and merged.get(W + "val") != "restart"
            texts = (text_of(paragraph) for paragraph in cell.iter(W + "p"))
            span = _value(cell, "tcPr/gridSpan")
            more = min(int(span), _WIDEST) - 1 if span.isdecimal() else 0
            cells += ["" if continues else " ".join(texts), *([""] * more)]
        yield cells


def _value(element: "_Element", path: str) -> str:
    """The `val` of something below an element, or nothing."""
    found = element.find("/".join(W + part for part in path.split("/")))
    return "" if found is None else found.get(W + "val") or ""
