"""Documents made by the libraries that people's programs are made of, and bombs made by hand."""

import io
import zipfile
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import docx
import pptx
import xlsxwriter
from docx.oxml import parse_xml
from reportlab.lib.pagesizes import A4
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Frame,
    PageBreak,
    PageTemplate,
    Paragraph,
    SimpleDocTemplate,
    Table,
)

STYLES = getSampleStyleSheet()
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def word(**properties: str) -> bytes:
    """Headings, a list, a table with joined cells, a change that is tracked, and hidden text."""
    document = docx.Document()
    for name, value in properties.items():
        setattr(document.core_properties, name, value)
    document.add_heading("Handbook", 0)
    document.add_heading("Travel", 1)
    document.add_paragraph("Trips are paid for by the company when they were approved before.")
    document.add_heading("Trains", 2)
    document.add_paragraph("first class", style="List Bullet")
    document.add_paragraph("on long trips only", style="List Bullet 2")
    document.add_heading("Money", 1)
    table = document.add_table(3, 2)
    for row, cells in enumerate((("Country", "Euro"), ("France", "30"), ("", "40"))):
        for column, text in enumerate(cells):
            table.cell(row, column).text = text
    table.cell(1, 0).merge(table.cell(2, 0))
    changed = document.add_paragraph("Ask ")
    changed._p.append(parse_xml(f"<w:del {W}><w:r><w:delText>Bob</w:delText></w:r></w:del>"))
    changed._p.append(parse_xml(f"<w:ins {W}><w:r><w:t>Alice</w:t></w:r></w:ins>"))
    hidden = changed.add_run(" and the secret one")
    hidden.font.hidden = True
    return _saved(document)


def slides() -> bytes:
    presentation = pptx.Presentation()
    for title, points in (("Strategy", "Grow\nSave"), ("Outlook", "Rain")):
        slide = presentation.slides.add_slide(presentation.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = points
    slide.notes_slide.notes_text_frame.text = "Smile here"
    group = slide.shapes.add_group_shape()
    group.shapes.add_textbox(0, 0, 10, 10).text_frame.text = "In a group"
    table = slide.shapes.add_table(2, 2, 0, 0, 100, 100).table
    for place, text in enumerate(("Year", "Sum", "2026", "7")):
        table.cell(place // 2, place % 2).text = text
    return _saved(presentation)


def workbook(sheets: dict[str, Sequence[Sequence[Any]]]) -> bytes:
    """A cell that begins with `=` is a formula whose value is 42."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        dates = book.add_format({"num_format": "yyyy-mm-dd"})
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for row, cells in enumerate(rows):
                for column, value in enumerate(cells):
                    if isinstance(value, datetime):
                        sheet.write_datetime(row, column, value, dates)
                    elif isinstance(value, str) and value.startswith("="):
                        sheet.write_formula(row, column, value, None, 42)
                    else:
                        sheet.write(row, column, value)
    return file.getvalue()


def report(*, outline: bool = False, password: str = "") -> bytes:
    """Five pages with running heads, headings of two levels, a table and a list."""
    story: list[Any] = []
    for number, name in enumerate(("Profit", "Staff", "Risks", "Plans", "Thanks"), 1):
        story += [
            Paragraph(f"{number} {name}", STYLES["Heading1"]),
            Paragraph(f"What we say of {name.lower()} is this sentence. " * 8, STYLES["BodyText"]),
            Paragraph(f"More of {name.lower()}", STYLES["Heading2"]),
            Paragraph(f"It goes on with {name.lower()} for a while. " * 8, STYLES["BodyText"]),
            Table([["Year", "Revenue", "Cost"], ["2024", "1,200", "900"], ["Both", "2,500", "1"]]),
            PageBreak(),
        ]
    file = io.BytesIO()
    document = _Outlined(
        file,
        outline=outline,
        pagesize=A4,
        title="Annual report",
        encrypt=StandardEncryption(password, strength=128) if password else None,
    )
    document.build(story, onFirstPage=_running, onLaterPages=_running)
    return file.getvalue()


class _Outlined(SimpleDocTemplate):
    def __init__(self, *args: Any, outline: bool, **more: Any) -> None:
        super().__init__(*args, **more)
        self._outline_wanted = outline

    def afterFlowable(self, flowable: Any) -> None:  # noqa: N802 - reportlab's name
        name = getattr(getattr(flowable, "style", None), "name", "")
        if self._outline_wanted and name.startswith("Heading"):
            self.canv.bookmarkPage(str(id(flowable)))
            level = int(name[-1]) - 1
            self.canv.addOutlineEntry(flowable.getPlainText(), str(id(flowable)), level)


def _running(canvas: Canvas, document: Any) -> None:
    canvas.setFont("Helvetica", 8)
    canvas.drawString(50, 820, "ACME, confidential")
    canvas.drawString(290, 20, f"Page {document.page}")


def columns(paragraphs: int) -> bytes:
    """Numbered paragraphs in two columns a page."""
    file = io.BytesIO()
    document = BaseDocTemplate(file, pagesize=A4)
    frames = [Frame(40, 40, 250, 760), Frame(310, 40, 250, 760)]
    document.addPageTemplates(PageTemplate(frames=frames))
    text = "It has a few sentences. They fill its column. "
    document.build(
        [Paragraph(f"Paragraph {n} begins. {text * 4}", STYLES["BodyText"])
         for n in range(paragraphs)]
    )  # fmt: skip
    return file.getvalue()


def pictures(pages: int, *, text: str = "") -> bytes:
    """A PDF of pages with lines on them, as a scanner makes them, and text on the first."""
    file = io.BytesIO()
    canvas = Canvas(file)
    for page in range(pages):
        canvas.line(10, 10, 200, 200)
        if text and not page:
            canvas.drawString(100, 500, text)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def zipped(parts: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


def with_part(content: bytes, name: str, part: bytes) -> bytes:
    """An archive with one of its parts replaced, or a new one."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {each: archive.read(each) for each in archive.namelist()}
    return zipped({**parts, name: part})


def _saved(document: Any) -> bytes:
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()
