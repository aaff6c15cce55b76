"""One document in a process of its own: read from descriptor 0, told on descriptor 1."""

import os
from typing import Final

import orjson

from app.knowledge.parsing.confinement import confine
from app.knowledge.parsing.errors import (
    DocumentRefused,
    DocumentTooCostly,
    DocumentUnreadable,
    DocumentUnsafe,
)
from app.knowledge.parsing.limits import ParseLimits
from app.knowledge.parsing.reading import read
from app.knowledge.parsing.wire import PARSED, REFUSED

_PIECE: Final = 1024 * 1024


def tell(filename: str, media_type: str | None, limits: ParseLimits) -> None:
    """Read the document and write what it says, or why it is refused."""
    confine(limits)
    _write(_answer(filename, media_type, limits))


def _answer(filename: str, media_type: str | None, limits: ParseLimits) -> bytes:
    try:
        return PARSED + read(_content(limits), filename, media_type, limits).dump()
    except DocumentRefused as refused:
        return _refusal(refused)
    except MemoryError:
        return _refusal(DocumentTooCostly("Reading it needs more memory than it may."))
    except RecursionError:
        return _refusal(DocumentUnsafe("It is nested too deeply."))
    except Exception as error:  # noqa: BLE001 - a library may raise anything at a broken file
        return _refusal(DocumentUnreadable(f"It is broken ({type(error).__name__})."))


def _refusal(refused: DocumentRefused) -> bytes:
    return REFUSED + orjson.dumps({"code": refused.code, "detail": refused.detail})


def _content(limits: ParseLimits) -> bytes:
    pieces = bytearray()
    while len(pieces) <= limits.file_bytes and (piece := os.read(0, _PIECE)):
        pieces += piece
    return bytes(pieces)


def _write(answer: bytes) -> None:
    view = memoryview(answer)
    while view:
        view = view[os.write(1, view) :]
