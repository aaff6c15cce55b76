"""Files as rows, and rows as files: CSV, JSON Lines and JSON; what does not fit is a reject."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, Literal

import orjson

from app.automation.nodes.connectors.connector import MOST_BYTES, Reject, Rows, within_bytes
from app.core.json_limits import storable

Format = Literal["csv", "jsonl", "json"]
_ENDINGS: Final[Mapping[str, Format]] = {
    ".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json",
}  # fmt: skip
_Row = tuple[int, Any, Reject | None]


def format_of(name: str) -> Format | None:
    """What a file's name tells of its rows."""
    lowered = name.lower()
    return next((kind for end, kind in _ENDINGS.items() if lowered.endswith(end)), None)


def read(content: bytes, kind: Format, start: int, limit: int, name: str = "") -> Rows:
    """Rows from the `start`-th on (from 0), rejects counted; the cursor is where to go on.

    A file that has fewer rows is another one than was read before: it is read from its beginning.
    """
    text = content.decode("utf-8-sig", errors="replace").replace("\x00", "\ufffd")
    every = _every(text, kind, name)
    passed = sum(1 for _ in islice(every, start))
    if passed < start:
        every, start = _every(text, kind, name), 0
    page = [_bounded(each) for each in islice(every, limit + 1)]
    count = within_bytes(len(orjson.dumps(row)) for _, row, _ in page[:limit])
    shown, more = page[:count], len(page) > count
    rows = [row for _, row, reject in shown if reject is None]
    rejects = [reject for _, _, reject in shown if reject is not None]
    return Rows(rows, start + len(shown), more, rejects)


def _every(text: str, kind: Format, name: str) -> Iterator[_Row]:
    match kind:
        case "csv":
            return _csv(text, "\t" if name.lower().endswith(".tsv") else None)
        case "jsonl":
            return _json_lines(text)
        case "json":
            return _json(text)


def write(rows: Sequence[Any], kind: Literal["csv", "jsonl"]) -> tuple[bytes, int, list[Reject]]:
    """The file, how many rows it has, and those that could not be written."""
    good: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    for index, row in enumerate(rows):
        if isinstance(row, dict):
            good.append(row)
        else:
            rejects.append(Reject(index, "row_invalid", "A row is a JSON object.", row))
    if kind == "jsonl":
        return b"".join(orjson.dumps(row) + b"\n" for row in good), len(good), rejects
    columns = list(dict.fromkeys(str(name) for row in good for name in row))
    target = io.StringIO()
    writer = csv.DictWriter(target, columns, restval="", lineterminator="\n")
    writer.writeheader()
    for row in good:
        writer.writerow({name: _field(value) for name, value in row.items()})
    return target.getvalue().encode(errors="replace"), len(good), rejects


def _csv(text: str, delimiter: str | None) -> Iterator[_Row]:
    lines = io.StringIO(text, newline="")
    if delimiter is None:
        head = text.partition("\n")[0]
        delimiter = max(",;\t|", key=head.count)
    reader = csv.reader(lines, delimiter=delimiter)
    columns = next(reader, None)
    if columns is None:
        return
    index = -1
    while True:
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            index += 1
            yield index, None, Reject(index, "row_invalid", str(error))
            continue
        if not fields:
            continue
        index += 1
        if len(fields) != len(columns):
            said = f"It has {len(fields)} fields, and the first line {len(columns)}."
            yield index, None, Reject(index, "row_invalid", said, fields)
        else:
            yield index, dict(zip(columns, fields, strict=True)), None


def _json_lines(text: str) -> Iterator[_Row]:
    index = -1
    for line in text.split("\n"):
        if not line.strip():
            continue
        index += 1
        try:
            yield index, storable(orjson.loads(line)), None
        except orjson.JSONDecodeError as error:
            yield index, None, Reject(index, "row_invalid", f"It is not JSON: {error}", line)


def _json(text: str) -> Iterator[_Row]:
    try:
        value = storable(orjson.loads(text))
    except orjson.JSONDecodeError as error:
        yield 0, None, Reject(0, "file_invalid", f"It is not JSON: {error}")
        return
    for index, row in enumerate(value if isinstance(value, list) else [value]):
        yield index, row, None


def _bounded(given: _Row) -> _Row:
    index, row, reject = given
    if reject is None and len(orjson.dumps(row)) > MOST_BYTES:
        return index, None, Reject(index, "row_too_long", "The row is too long.", row)
    return given


def _field(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()
