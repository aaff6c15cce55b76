"""Zip files of strangers: what is in them is looked at before anything is unpacked."""

import io
import re
import zipfile
import zlib
from typing import Final

from app.knowledge.parsing.errors import (
    DocumentEncrypted,
    DocumentTooLarge,
    DocumentUnreadable,
    DocumentUnsafe,
)
from app.knowledge.parsing.limits import MIB, ParseLimits

_MARKUP: Final = (".xml", ".rels", ".vml", ".opf", ".ncx")
# In any of the encodings that XML parsers know by themselves.
_DECLARATION: Final = re.compile(
    b"|".join(re.escape(word.encode(e)) for word in ("<!DOCTYPE", "<!ENTITY")
              for e in ("ascii", "utf-16-le", "utf-16-be"))
)  # fmt: skip


def checked(content: bytes, limits: ParseLimits, *, doctype: bool = False) -> zipfile.ZipFile:
    """The archive, once its directory and all its markup are within the limits.

    Raises DocumentUnsafe for bombs, parts within each other, and XML that declares entities;
    `doctype` allows declarations, where a format has them and its reader expands none.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        _check_directory(archive, len(content), limits)
        for part in archive.infolist():
            if part.filename.lower().endswith(_MARKUP):
                _check_markup(archive, part, doctype=doctype)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
        raise DocumentUnreadable("Its archive is broken.") from error
    except RuntimeError as error:
        raise DocumentEncrypted("Remove its password and send it again.") from error
    return archive


def _check_directory(archive: zipfile.ZipFile, size: int, limits: ParseLimits) -> None:
    parts = archive.infolist()
    if len(parts) > limits.parts:
        raise DocumentUnsafe(f"Its archive has more than {limits.parts} parts.")
    if any(part.flag_bits & 1 for part in parts):
        raise DocumentEncrypted("Remove its password and send it again.")
    for part in parts:
        if part.file_size > MIB and part.file_size > limits.ratio * max(part.compress_size, 1):
            raise DocumentUnsafe("A part of its archive unpacks to far more than it should.")
    if sum(part.compress_size for part in parts) > size:
        raise DocumentUnsafe("The parts of its archive lie within each other.")
    if sum(part.file_size for part in parts) > limits.unpacked_bytes:
        most = limits.unpacked_bytes // MIB
        raise DocumentTooLarge(f"It unpacks to more than {most} MiB.")


def _check_markup(archive: zipfile.ZipFile, part: zipfile.ZipInfo, *, doctype: bool) -> None:
    """Read a part to its end, which also proves that its stated size is true."""
    tail = b""
    with archive.open(part) as stream:
        while piece := stream.read(MIB):
            found = None if doctype else _DECLARATION.search(tail + piece)
            if found:
                raise DocumentUnsafe("Its XML declares a document type or entities.")
            tail = piece[-20:]
