"""The small fields of a multipart form, found in its bytes without taking the form apart.

The form goes on as it came, so nobody who reads it behind us may find anything else in it: what
parsers are known to read differently is refused.
"""

import re
from dataclasses import dataclass
from typing import Final

from app.inference.dialects.errors import RequestInvalid

BOUNDARY: Final = re.compile(
    r"multipart/form-data\b[^\"]*?;\s*boundary=(?:\"([^\"\\]{1,70})\"|([^\s;\"]{1,70}))",
    re.IGNORECASE,
)
DISPOSITION: Final = re.compile(rb"content-disposition[ \t]*:[ \t]*form-data\b(.*)", re.IGNORECASE)
NAME: Final = re.compile(
    rb';[ \t]*name=(?:"([^"\\\r\n]{1,100})"|([^\s;"\\]{1,100}))[ \t]*(?:;|$)', re.IGNORECASE
)
NAMES: Final = re.compile(rb";[ \t]*name[ \t]*\*?[ \t]*=", re.IGNORECASE)
FILE: Final = re.compile(rb";[ \t]*filename\*?[ \t]*=", re.IGNORECASE)
ENCODED: Final = re.compile(
    rb"content-transfer-encoding[ \t]*:(?![ \t]*(?:7bit|8bit|binary)[ \t]*$)"
    rb"|.*charset[ \t]*=(?![ \t]*\"?(?:utf-8|us-ascii|iso-8859-1)\"?[ \t]*(?:;|$))",
    re.IGNORECASE,
)
# What is decided, priced or guarded by: each stands once at most, and as text.
READ: Final = frozenset({"model", "n", "user", "prompt", "instructions", "input", "stream"})
MOST_PARTS: Final = 64
MOST_HEAD: Final = 8 * 1024
MOST_VALUE: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class Field:
    """A field's value, and where it stands in the body."""

    value: str
    start: int
    end: int


def read_fields(body: bytes | bytearray, content_type: str) -> dict[str, Field]:
    """The fields that are no files, by name; raises RequestInvalid for what is no plain form."""
    delimiter = b"--" + boundary_of(content_type)
    fields: dict[str, Field] = {}
    start = body.find(delimiter)
    if bytes(body[: max(start, 0)]) not in (b"", b"\r\n"):
        raise RequestInvalid("Something stands before the first part of the multipart form.")
    for passed in range(1, MOST_PARTS + 1):
        if start < 0:
            break
        start += len(delimiter)
        if body[start : start + 2] == b"--":
            if body.count(delimiter) != passed:
                raise RequestInvalid("The boundary stands inside a part of the multipart form.")
            return fields
        end = body.find(b"\r\n" + delimiter, start)
        if end < 0 or body[start : start + 2] != b"\r\n":
            break
        _read_part(body, start, end, fields)
        start = end + 2
    raise RequestInvalid("The multipart form is cut off, or has too many parts.")


def boundary_of(content_type: str) -> bytes:
    """Raises RequestInvalid."""
    found = BOUNDARY.match(content_type.strip())
    if found is None or content_type.lower().count("boundary") != 1:
        said = "Send this request as multipart/form-data with a boundary."
        raise RequestInvalid(said)
    return (found[1] or found[2]).encode("latin-1", "replace")


def _read_part(body: bytes | bytearray, start: int, end: int, fields: dict[str, Field]) -> None:
    head_end = body.find(b"\r\n\r\n", start, min(end, start + MOST_HEAD) + 4)
    if head_end < 0:
        raise RequestInvalid("A part of the multipart form has no head, or a too long one.")
    head = bytes(body[start + 2 : head_end])
    name, is_file = _read_head(head)
    if name in READ and (is_file or name in fields or is_encoded(head)):
        said = f"Invalid '{name}': expected one field of the multipart form, as plain text."
        raise RequestInvalid(said, param=name, label="invalid_value")
    value_start = head_end + 4
    if is_file:
        return
    if end - value_start > MOST_VALUE:
        if name in READ:
            said = f"Invalid '{name}': expected at most {MOST_VALUE} bytes."
            raise RequestInvalid(said, param=name, label="string_above_max_length")
        return
    value = bytes(body[value_start:end]).decode("utf-8", "replace")
    if name in READ and "\0" in value:
        raise RequestInvalid(f"Invalid '{name}': it holds the NUL character.", param=name)
    fields[name] = Field(value, value_start, end)


def _read_head(head: bytes) -> tuple[str, bool]:
    """The name of a part, and whether it is a file's."""
    lines = head.split(b"\r\n")
    told = [line for line in lines if line.lower().startswith(b"content-disposition")]
    found = DISPOSITION.fullmatch(told[0]) if len(told) == 1 else None
    name = NAME.search(found[1]) if found else None
    # An end of line that is none, and a line that goes on in the next: only some read them so.
    odd = any(b"\n" in line or b"\r" in line or line[:1] in (b" ", b"\t") for line in lines)
    if found is None or name is None or odd or len(NAMES.findall(found[1])) != 1:
        raise RequestInvalid("A part of the multipart form has no plain name.")
    return (name[1] or name[2]).decode("utf-8", "replace"), bool(FILE.search(found[1]))


def is_encoded(head: bytes) -> bool:
    """Whether its value is other text to those who heed how it says that it is written."""
    return any(ENCODED.match(line) for line in head.split(b"\r\n"))
