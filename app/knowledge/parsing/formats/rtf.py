"""Rich Text Format: its paragraphs, without pictures and styles."""

from app.knowledge.parsing.formats import plain
from app.knowledge.parsing.writing import Writer


def read(content: bytes, writer: Writer) -> None:
    from striprtf.striprtf import rtf_to_text  # noqa: PLC0415 - in a process that reads RTF

    text: str = rtf_to_text(  # type: ignore[no-untyped-call] # the library has no types
        content.decode("latin-1"), errors="replace"
    )
    # The format writes a letter beyond 16 bits as two halves, which only belong together here.
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    # A line of the format is a paragraph.
    plain.write(whole.replace("\n", "\n\n"), writer)
