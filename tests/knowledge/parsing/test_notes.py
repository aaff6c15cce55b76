"""Footnotes and endnotes, and text that is set in text."""

import io

from docx import Document
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml

from tests.knowledge.parsing.conftest import Parse, told
from tests.support.documents import W, zipped

KIND = "application/vnd.openxmlformats-officedocument.wordprocessingml.{}+xml"
SPACES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for name in ("office", "text", "table")
)


def noted_word() -> bytes:
    document = Document()
    document.add_paragraph("The supplier delivers")
    document.add_table(1, 1).cell(0, 0).text = "Price"
    document.add_paragraph("End")
    for kind, note in (("footnotes", "free of charge"), ("endnotes", "in euros")):
        single = kind.removesuffix("s")
        markup = (
            f'<w:{kind} {W}><w:{single} w:type="separator" w:id="0"><w:p/></w:{single}>'
            f'<w:{single} w:id="1"><w:p><w:r><w:t>{note}</w:t></w:r></w:p></w:{single}></w:{kind}>'
        )
        name = PackURI(f"/word/{kind}.xml")
        part = Part(name, KIND.format(kind), markup.encode(), document.part.package)
        document.part.relate_to(part, getattr(RELATIONSHIP_TYPE, kind.upper()))
    paragraph, cell = document.paragraphs[0], document.tables[0].cell(0, 0).paragraphs[0]
    paragraph._p.append(parse_xml(f'<w:r {W}><w:footnoteReference w:id="1"/></w:r>'))
    cell._p.append(parse_xml(f'<w:r {W}><w:endnoteReference w:id="1"/></w:r>'))
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


async def test_notes_of_a_word_file_follow_what_they_are_noted_in(parse: Parse) -> None:
    assert [text for _, _, text in told(await parse(noted_word(), "x.docx"))] == [
        "The supplier delivers",
        "free of charge",
        "| Price |\n| --- |",
        "in euros",
        "End",
    ]


async def test_text_within_text_keeps_its_place_in_an_open_document(parse: Parse) -> None:
    note = (
        "<text:note><text:note-citation>1</text:note-citation>"
        "<text:note-body>{}</text:note-body></text:note>"
    )
    inner = note.format("<text:p>free <text:span>of</text:span> charge</text:p>")
    body = (
        f"<office:document-content {SPACES}><office:body><office:text>"
        f"<text:p>We <text:a><text:span>deliver</text:span> now</text:a>{inner} and"
        "<text:s/>pay<office:annotation><text:p>sure?</text:p></office:annotation>.</text:p>"
        "<table:table><table:table-row><table:table-cell><text:p>Price"
        f"{note.format('<text:p>in euros</text:p>')}</text:p></table:table-cell>"
        "</table:table-row></table:table></office:text></office:body></office:document-content>"
    )
    parts = {
        "mimetype": b"application/vnd.oasis.opendocument.text",
        "content.xml": body.encode(),
        "META-INF/manifest.xml": b"<manifest/>",
    }
    assert [text for _, _, text in told(await parse(zipped(parts), "x.odt"))] == [
        "We deliver now and pay.",
        "free of charge",
        "| Price |\n| --- |",
        "in euros",
    ]
