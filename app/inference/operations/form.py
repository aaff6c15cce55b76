"""The small fields of a multipart form, found in its bytes without taking the form apart."""

import re
from dataclasses import dataclass
from typing import Final

from app.inference.dialects.errors import RequestInvalid

BOUNDARY: Final = re.compile(
    r"multipart/form-data\b.*?;\s*boundary=(?:\"([^\"]{1,70})\"|([^\s;]{1,70}))", re.IGNORECASE
)
NAME: Final = re.compile(rb'[;\s]name="([^"\r\n]{1,100})"', re.IGNORECASE)
FILE: Final = re.compile(rb"[;\s]filename\*?=", re.IGNORECASE)
MOST_PARTS: Final = 64
MOST_HEAD: Final = 8 * 1024
MOST_VALUE: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class Field:
    """A field's value, and where it stands in the body."""

    value: str
    start: int
    end: int


def read_fields(body: bytes | bytearray, content_type: str) -> dict[str, Field]:
    """The fields that are no files, by name; the last of a name counts.

    Raises RequestInvalid for what is no form.
    """
    delimiter = b"--" + boundary_of(content_type)
    fields: dict[str, Field] = {}
    start = body.find(delimiter)
    for _ in range(MOST_PARTS):
        if start < 0:
            break
        start += len(delimiter)
        if body[start : start + 2] == b"--":
            return fields
        end = body.find(b"\r\n" + delimiter, start)
        if end < 0:
            break
        _read_part(body, start, end, fields)
        start = end + 2
    raise RequestInvalid("The multipart form is cut off, or has too many parts.")


def boundary_of(content_type: str) -> bytes:
    found = BOUNDARY.match(content_type.strip())
    if found is None:
        said = "Send this request as multipart/form-data with a boundary."
        raise RequestInvalid(said)
    return (found[1] or found[2]).encode("latin-1", "replace")


def _read_part(body: bytes | bytearray, start: int, end: int, fields: dict[str, Field]) -> None:
    head_end = body.find(b"\r\n\r\n", start, min(end, start + MOST_HEAD) + 4)
    if head_end < 0:
        raise RequestInvalid("A part of the multipart form has no head, or a too long one.")
    head = bytes(body[start:head_end])
    name, value_start = NAME.search(head), head_end + 4
    if name is None or FILE.search(head) or end - value_start > MOST_VALUE:
        return
    value = bytes(body[value_start:end]).decode("utf-8", "replace")
    fields[name[1].decode("utf-8", "replace")] = Field(value, value_start, end)
