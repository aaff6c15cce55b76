"""Presentations: each slide is a page, its title a heading."""

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from app.knowledge.parsing.archive import checked
from app.knowledge.parsing.writing import Writer

if TYPE_CHECKING:
    from pptx.slide import Slide
    from pptx.text.text import TextFrame


def read(content: bytes, writer: Writer) -> None:
    from pptx import Presentation  # noqa: PLC0415 - in a process that reads presentations

    checked(content, writer.limits).close()
    presentation = Presentation(io.BytesIO(content))
    writer.title = (presentation.core_properties.title or "").strip()[:300]
    if writer.title == "PowerPoint Presentation":
        writer.title = ""
    for number, slide in enumerate(presentation.slides, 1):
        writer.turn(number)
        _write_slide(slide, writer)


def _write_slide(slide: "Slide", writer: Writer) -> None:
    title = slide.shapes.title
    if title is not None:
        writer.heading(title.text_frame.text, 1)
    for shape in _flat(slide.shapes):
        if title is not None and shape.shape_id == title.shape_id:
            continue
        if shape.has_text_frame:
            _write_text(shape.text_frame, writer)
        elif getattr(shape, "has_table", False):
            writer.table([cell.text for cell in row.cells] for row in shape.table.rows)
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        notes = slide.notes_slide.notes_text_frame.text
        if notes.strip():
            writer.paragraph(f"Notes: {notes}")


def _flat(shapes: Any) -> Iterator[Any]:
    """Shapes in their order, those in groups too."""
    waiting = [iter(shapes)]
    while waiting:
        shape = next(waiting[-1], None)
        if shape is None:
            waiting.pop()
        elif hasattr(shape, "shapes"):
            waiting.append(iter(shape.shapes))
        else:
            yield shape


def _write_text(frame: "TextFrame", writer: Writer) -> None:
    several = len([paragraph for paragraph in frame.paragraphs if paragraph.text.strip()]) > 1
    for paragraph in frame.paragraphs:
        if several or paragraph.level:
            writer.item(paragraph.text, paragraph.level + 1)
        else:
            writer.paragraph(paragraph.text)
