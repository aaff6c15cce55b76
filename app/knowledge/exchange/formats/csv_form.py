"""CSV: a row a term, the concept's other parts in the rows of its terms."""

import csv
import io
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, Final

from app.knowledge.exchange.concept import Concept, Head, Misshapen
from app.knowledge.exchange.formats.csv_cells import neutral, restored
from app.knowledge.exchange.formats.csv_rows import COLUMNS, concept_of, rows_of
from app.knowledge.exchange.formats.encodings import encoding_of
from app.knowledge.exchange.formats.row import Malformed, Row
from app.knowledge.exchange.residue import completed, residue

MOST_CELL: Final = 1_000_000
MOST_ROWS: Final = 2_000  # of one concept
DELIMITERS: Final = ",;\t"
_MARK: Final = b"\xef\xbb\xbf"  # or Excel takes UTF-8 for the system's own encoding


class CsvWriter:
    def start(self, _: Head) -> bytes:
        return _MARK + _written([COLUMNS])

    def page(self, concepts: Sequence[Concept], _: Container[str]) -> bytes:
        return _written([cells for concept in concepts for cells in _cells(concept)])

    def end(self) -> bytes:
        return b""


def _cells(concept: Concept) -> Iterator[list[str]]:
    rows = rows_of(concept)
    seen = concept_of(rows, "")
    if rest := residue(concept, seen):
        rows[0]["record"] = rest
    for row in rows:
        yield [neutral(row.get(column, "")) for column in COLUMNS]


def _written(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_MINIMAL, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def read(file: BinaryIO) -> Iterator[Row]:
    """Every concept: the rows that follow each other under one `concept`. Raises Malformed."""
    group: list[Mapping[str, str]] = []
    begin = 0
    for line, row in _rows(file):
        if group and (not row.get("concept") or row["concept"] != group[0]["concept"]):
            yield _row(begin, group)
            group = []
        if not group:
            begin = line
        group.append(row)
        if len(group) > MOST_ROWS:
            raise Malformed(f"line {begin}: more than {MOST_ROWS} rows of one concept")
    if group:
        yield _row(begin, group)


def _row(line: int, group: Sequence[Mapping[str, str]]) -> Row:
    try:
        seen = concept_of(group, f"line {line}")
        return Row(line, completed(seen, group[0].get("record")))
    except Misshapen as error:
        return Row(line, None, str(error))


def _rows(file: BinaryIO) -> Iterator[tuple[int, Mapping[str, str]]]:
    """The rows under the first line, by its names, each with the line it begins at."""
    csv.field_size_limit(MOST_CELL)
    text = io.TextIOWrapper(file, encoding=encoding_of(file), newline="")
    reader: Any = None
    try:
        reader = csv.reader(text, delimiter=_delimiter(text), strict=True)
        columns = _columns(next(reader, []))
        line = reader.line_num + 1
        for cells in reader:
            if any(cells):
                yield line, _named(columns, cells, line)
            line = reader.line_num + 1
    except csv.Error as error:
        raise Malformed(f"line {reader.line_num}: no well-formed CSV ({error})") from None
    except UnicodeError:
        raise Malformed("its encoding changes within; save it as UTF-8") from None


def _delimiter(text: io.TextIOWrapper) -> str:
    first = text.readline(64 * 1024)
    text.seek(0)
    return max(DELIMITERS, key=first.count)


def _columns(cells: Sequence[str]) -> Sequence[str]:
    columns = [cell.strip().lower() for cell in cells]
    if "term" not in columns:
        raise Malformed("line 1: it must name the columns, `term` among them")
    if strange := [name for name in columns if name not in COLUMNS]:
        known = ", ".join(COLUMNS)
        raise Malformed(f"line 1: {strange[0][:100]!r} is no column; there are {known}")
    if len(set(columns)) < len(columns):
        raise Malformed("line 1: a column is named twice")
    return columns


def _named(columns: Sequence[str], cells: Sequence[str], line: int) -> Mapping[str, str]:
    if len(cells) != len(columns):
        raise Malformed(f"line {line}: {len(cells)} cells under {len(columns)} columns")
    row = {name: restored(cell) for name, cell in zip(columns, cells, strict=True)}
    return row | {"concept": row.get("concept", "").strip()}
