"""From the bytes of a file to its blocks: the reader of its format, and what all have in common."""

import importlib
from typing import Final

from app.knowledge.parsing.document import Parsed
from app.knowledge.parsing.errors import DocumentEmpty, DocumentTooLarge, NoTextFound
from app.knowledge.parsing.language import SAMPLE, language_of
from app.knowledge.parsing.limits import MIB, ParseLimits
from app.knowledge.parsing.media import TYPES, Sniffed, sniff
from app.knowledge.parsing.writing import Writer

# The module of each format, imported where one comes, and the function of it that reads.
READERS: Final = {
    "pdf": ("pdf", "read"),
    "docx": ("docx", "read"),
    "pptx": ("pptx", "read"),
    "xlsx": ("spreadsheet", "read"),
    "ods": ("spreadsheet", "read"),
    "odt": ("opendocument", "read"),
    "epub": ("epub", "read"),
    "rtf": ("rtf", "read"),
    "html": ("html", "read"),
    "markdown": ("markdown", "read"),
    "csv": ("delimited", "read"),
    "tsv": ("delimited", "read"),
    "json": ("records", "read"),
    "jsonl": ("records", "read_lines"),
    "mail": ("mail", "read"),
    "code": ("code", "read"),
    "text": ("plain", "read"),
}
_SPOKEN: Final = ("heading", "paragraph", "list")


def read(content: bytes, filename: str, media_type: str | None, limits: ParseLimits) -> Parsed:
    """Parse a file; raises DocumentRefused, and whatever a library raises at a broken one."""
    if not content.strip():
        raise DocumentEmpty
    if len(content) > limits.file_bytes:
        raise DocumentTooLarge(f"It has more than {limits.file_bytes // MIB} MiB.")
    sniffed = sniff(content, filename, media_type)
    writer = Writer(limits)
    module, function = READERS[sniffed.format]
    getattr(importlib.import_module(f"app.knowledge.parsing.formats.{module}"), function)(
        content, writer
    )
    if not writer.blocks:
        raise NoTextFound
    if sniffed.named:
        writer.warn(f"It is named like {sniffed.named}, but was read as {sniffed.format}.")
    return _finished(writer, sniffed)


def _finished(writer: Writer, sniffed: Sniffed) -> Parsed:
    text = writer.text
    return Parsed(
        text=text,
        blocks=tuple(writer.blocks),
        media_type=TYPES[sniffed.format],
        title=writer.title,
        pages=writer.pages,
        language=None if sniffed.format in ("code", "json", "jsonl") else _language(text, writer),
        warnings=tuple(writer.warnings),
    )


def _language(text: str, writer: Writer) -> str | None:
    """By what is said in sentences; tables and code only where there is nothing else."""
    sample: list[str] = []
    room = SAMPLE
    spoken = [block for block in writer.blocks if block.kind in _SPOKEN] or writer.blocks
    for block in spoken:
        sample.append(text[block.start : min(block.end, block.start + room)])
        room -= len(sample[-1])
        if room <= 0:
            break
    return language_of("\n".join(sample))
