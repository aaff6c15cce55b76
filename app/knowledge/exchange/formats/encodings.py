"""How the text of a file is encoded: told by its mark, or found out."""

import codecs
from io import SEEK_SET
from typing import Any, BinaryIO, Final

from app.knowledge.exchange.formats.row import Malformed

_PIECE_BYTES: Final = 256 * 1024
# UTF-32's mark begins as UTF-16's does, so it goes first.
_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def marked(file: BinaryIO) -> str | None:
    """The encoding that a file's first bytes name."""
    start = file.read(4)
    file.seek(0, SEEK_SET)
    return next((name for mark, name in _MARKS if start.startswith(mark)), None)


def encoding_of(file: BinaryIO) -> str:
    """The one it is marked with; else UTF-8, or the Latin one that fits. Raises Malformed."""
    if name := marked(file):
        return name
    for name in ("utf-8", "cp1252", "latin-1"):
        if _decodes(file, name):
            return name
    raise Malformed("its encoding is not known; save it as UTF-8")


def as_utf8(file: BinaryIO) -> Any:
    """The file as one of UTF-8 without a mark, where its mark says that it is in another."""
    name = marked(file)
    if name == "utf-8-sig":
        file.seek(len(codecs.BOM_UTF8), SEEK_SET)
        return file
    return file if name is None else codecs.EncodedFile(file, "utf-8", name)


def _decodes(file: BinaryIO, name: str) -> bool:
    decoder = codecs.getincrementaldecoder(name)()
    try:
        while piece := file.read(_PIECE_BYTES):
            if "\0" in decoder.decode(piece):
                raise Malformed("it holds NUL characters: save it as UTF-8")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    finally:
        file.seek(0, SEEK_SET)
    return True
