"""Rich Text Format: its paragraphs, without pictures and styles."""

from app.knowledge.parsing.formats import plain
from app.knowledge.parsing.writing import Writer


def read(content: bytes, writer: Writer) -> None:
    from striprtf.striprtf import rtf_to_text  # noqa: PLC0415 - in a process that reads RTF

    text: str = rtf_to_text(  # type: ignore[no-untyped-call] # the library has no types
        content.decode("latin-1"), errors="replace"
    )
    # A line of the format is a paragraph.
    plain.write(text.replace("\n", "\n\n"), writer)
