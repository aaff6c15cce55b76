"""A file of people, read a bounded line at a time."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, BinaryIO

import orjson
from pydantic import AfterValidator, ConfigDict, Field, ValidationError

from app.core.schema import Input, Text
from app.identity.imports.errors import FileRefused, RowRefused
from app.identity.imports.hashes import checked_hash
from app.identity.users.schemas import Email, Locale

MOST_BYTES = 16 * 1024
FORMULAS = ("=", "+", "-", "@", "\t", "\r")
TRUTH = {"": False, "false": False, "0": False, "no": False, "true": True, "1": True, "yes": True}
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_UTF8_MARK = b"\xef\xbb\xbf"


class Format(StrEnum):
    CSV = "csv"
    JSON_LINES = "jsonl"


class ImportedPerson(Input):
    """One row: only the address is needed."""

    model_config = ConfigDict(strict=True, hide_input_in_errors=True)

    email: Email
    name: Annotated[Text, Field(max_length=200)] = ""
    locale: Locale | None = None
    password_hash: Annotated[str, AfterValidator(checked_hash)] | None = None
    verified: bool = False


COLUMNS = tuple(ImportedPerson.model_fields)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the file and who it is about, or why it is refused."""

    line: int
    person: ImportedPerson | None
    reason: str = ""


def read(file: BinaryIO, form: Format) -> Iterator[Row]:
    """Every row, in order and one at a time; raises FileRefused for what is no such file."""
    lines = _lines(file)
    parse = _csv_header(lines) if form is Format.CSV else _json_object
    for number, line in lines:
        if line == b"":
            continue
        try:
            yield Row(number, _person(parse(_decoded(line))))
        except RowRefused as refused:
            yield Row(number, None, str(refused))


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """The lines by number, without their ends; None for one that is too long."""
    number = 0
    while line := file.readline(MOST_BYTES + 1):
        number += 1
        if number == 1:
            _refuse_other_encodings(line)
            line = line.removeprefix(_UTF8_MARK)
        whole = len(line) <= MOST_BYTES
        while len(line) > MOST_BYTES and not line.endswith(b"\n"):
            line = file.readline(MOST_BYTES + 1) or b"\n"
        yield number, line.rstrip(b"\r\n") if whole else None


def _refuse_other_encodings(start: bytes) -> None:
    if start.startswith(_UTF16) or b"\0" in start:
        raise FileRefused("The file is not UTF-8; save it as UTF-8 and try again.")


def _decoded(line: bytes | None) -> str:
    if line is None:
        raise RowRefused(f"is longer than {MOST_BYTES} bytes")
    try:
        return line.decode()
    except UnicodeDecodeError:
        raise RowRefused("is not UTF-8") from None


def _csv_header(
    lines: Iterator[tuple[int, bytes | None]],
) -> Callable[[str], dict[str, Any]]:
    """What reads the rows under the file's first line; raises FileRefused."""
    try:
        _, first = next(lines)
        columns = _cells(_decoded(first))
    except StopIteration:
        raise FileRefused("The file is empty; its first line names the columns.") from None
    except RowRefused as refused:
        raise FileRefused(f"The first line {refused}; it names the columns.") from None
    columns = [column.strip().lower() for column in columns]
    known = ", ".join(COLUMNS)
    if "email" not in columns or set(columns) - set(COLUMNS):
        raise FileRefused(f"The first line must name columns among {known}, with commas between.")
    if len(set(columns)) < len(columns):
        raise FileRefused("The first line names a column twice.")

    def parse(text: str) -> dict[str, Any]:
        cells = _cells(text)
        if len(cells) != len(columns):
            raise RowRefused(f"has {len(cells)} cells, not {len(columns)}")
        if any(cell.startswith(FORMULAS) for cell in cells):
            raise RowRefused("has a cell that a spreadsheet would run as a formula")
        return _typed(dict(zip(columns, cells, strict=True)))

    return parse


def _cells(text: str) -> list[str]:
    try:
        return next(csv.reader([text], strict=True))
    except (csv.Error, StopIteration):
        raise RowRefused("is no CSV: a quoted cell must be closed on its own line") from None


def _typed(cells: dict[str, str]) -> dict[str, Any]:
    """What was written, without the cells that were left empty."""
    given: dict[str, Any] = {name: cell for name, cell in cells.items() if cell.strip()}
    if (verified := cells.get("verified", "").strip().lower()) not in TRUTH:
        raise RowRefused("verified: is neither true nor false")
    return given | {"verified": TRUTH[verified]}


def _json_object(text: str) -> dict[str, Any]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise RowRefused("is not JSON") from None
    if not isinstance(found, dict):
        raise RowRefused("is no JSON object")
    return found


def _person(given: dict[str, Any]) -> ImportedPerson:
    try:
        return ImportedPerson.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        field = str(first["loc"][0]) if first["loc"] else "row"
        shown = field if field in COLUMNS else "a field"
        raise RowRefused(f"{shown}: {first['msg'].removeprefix('Value error, ')}") from None
