"""Files of cases: every row on its own, so that one that is wrong keeps no other out."""

import csv
import io
from collections.abc import Iterator
from typing import Any, Final

import orjson
from pydantic import ValidationError

from app.agents.evaluations.datasets.errors import CaseFileMalformed
from app.agents.evaluations.datasets.schemas import DatasetCaseCreate, RefusedRow
from app.core.json_limits import holds_nul, too_deep

FIELDS: Final = ("input", "messages", "variables", "expected", "tags", "metadata")


def rows_of(content: bytes, form: str) -> Iterator[tuple[int, Any]]:
    """The rows with their numbers, a mistake in place of one; raises CaseFileMalformed."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CaseFileMalformed("It must be UTF-8.") from None
    if form == "csv":
        return _of_csv(text)
    return _of_json(text) if form == "json" else _of_lines(text)


def _of_lines(text: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield number, orjson.loads(line)
            except ValueError:
                yield number, ValueError("is not JSON")


def _of_json(text: str) -> Iterator[tuple[int, Any]]:
    try:
        document = orjson.loads(text)
    except ValueError:
        raise CaseFileMalformed("It is not JSON.") from None
    rows = document.get("cases") if isinstance(document, dict) else document
    if not isinstance(rows, list):
        raise CaseFileMalformed("It must be an array of cases, or an object with `cases`.")
    yield from enumerate(rows, start=1)


def _of_csv(text: str) -> Iterator[tuple[int, Any]]:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        if "input" not in (reader.fieldnames or ()):
            raise CaseFileMalformed("Its header needs a column `input`.")
        for number, row in enumerate(reader, start=1):
            yield number, _of_columns(row)
    except csv.Error as error:
        raise CaseFileMalformed(f"It is not CSV: {error}.") from None


def _of_columns(row: dict[str | None, Any]) -> Any:
    if None in row or None in row.values():
        return ValueError("has another number of columns than the header")
    case: dict[str, Any] = {"input": row["input"]}
    variables = {}
    for name, value in row.items():
        match name:
            case "input":
                continue
            case "expected":
                case["expected"] = value or None
            case "tags":
                case["tags"] = [tag.strip() for tag in value.split(";") if tag.strip()]
            case _:
                variables[str(name).removeprefix("variables.")] = value
    return {**case, "variables": variables}


def case_of(number: int, row: Any) -> DatasetCaseCreate | RefusedRow:
    """The case that a row tells of, or what is wrong with it."""
    if isinstance(row, ValueError):
        return refused(number, "row_malformed", f"The row {row}.")
    if not isinstance(row, dict):
        return refused(number, "row_malformed", "The row is no object.")
    if not _is_storable(row):
        return refused(number, "row_malformed", "The row is nested too deeply, or has a NUL.")
    if "messages" in row and "input" not in row:
        row = {**row, "input": row["messages"]}
        del row["messages"]
    try:
        return DatasetCaseCreate.model_validate(row)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = "/" + "/".join(str(step) for step in first["loc"])
        return refused(number, "row_invalid", f"{where}: {first['msg']}"[:300])


def _is_storable(row: dict[str, Any]) -> bool:
    """What a request's body is held to before it is read; a file comes past that."""
    try:
        written = orjson.dumps(row)
    except TypeError:
        return False
    return too_deep(written, row) is None and holds_nul(written, row) is None


def refused(number: int, code: str, detail: str) -> RefusedRow:
    return RefusedRow(row=number, run_id=None, code=code, detail=detail)
