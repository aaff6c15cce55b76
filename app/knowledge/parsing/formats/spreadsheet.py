"""Workbooks: each sheet is a page with a heading and a table of the values that are shown."""

import datetime
import io
from collections.abc import Iterator, Sequence
from typing import Any

from app.knowledge.parsing.archive import checked
from app.knowledge.parsing.errors import DocumentEncrypted, DocumentUnreadable
from app.knowledge.parsing.writing import Writer


def read(content: bytes, writer: Writer) -> None:
    """XLSX and ODS; formulas are left alone, their values are read."""
    import python_calamine  # noqa: PLC0415 - in a process that reads workbooks

    checked(content, writer.limits).close()
    try:
        book = python_calamine.load_workbook(io.BytesIO(content))
    except python_calamine.PasswordError as error:
        raise DocumentEncrypted("Remove its password and send it again.") from error
    except python_calamine.CalamineError as error:
        raise DocumentUnreadable("It is no workbook that can be read.") from error
    for number, name in enumerate(book.sheet_names, 1):
        writer.turn(number)
        writer.heading(name, 1)
        try:
            rows = book.get_sheet_by_name(name).iter_rows()
        except python_calamine.CalamineError:
            writer.warn(f"The sheet {name!r} has no cells that can be read.")
            continue
        writer.table(_shown(rows))


def _shown(rows: Iterator[Sequence[Any]]) -> Iterator[list[str]]:
    return ([_written(value) for value in row] for row in rows)


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ", "seconds")
    return str(value)
