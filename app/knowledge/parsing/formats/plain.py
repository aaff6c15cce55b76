"""Plain text: paragraphs are parted by empty lines."""

import re
from typing import Final

from app.knowledge.parsing.decoding import decode
from app.knowledge.parsing.writing import Writer, clean

_EMPTY_LINES: Final = re.compile(r"\n[^\S\n]*\n\s*")
_UNDERLINED: Final = re.compile(r"([^\n]{1,200})\n(={3,}|-{3,}|~{3,})")
_BULLET: Final = re.compile(r"(?:[-*•‣▪\u2013]|\d{1,3}[.)])\s+\S")


def read(content: bytes, writer: Writer) -> None:
    text, encoding = decode(content)
    if encoding != "utf-8":
        writer.warn(f"It was read as {encoding}.")
    write(text, writer)


def write(text: str, writer: Writer) -> None:
    """Paragraphs, headings underlined with dashes, and list items."""
    for part in _EMPTY_LINES.split(clean(text)):
        paragraph = part
        if underlined := _UNDERLINED.match(paragraph):
            writer.heading(underlined[1], 1 if underlined[2][0] == "=" else 2)
            paragraph = paragraph[underlined.end() :]
        lines = [line for line in paragraph.split("\n") if line.strip()]
        if lines and all(_BULLET.match(line.strip()) for line in lines):
            for line in lines:
                writer.item(line)
        else:
            writer.paragraph(paragraph)
