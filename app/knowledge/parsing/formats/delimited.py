"""CSV and its kin: one table. Formulas are text like any other; nothing is computed."""

import csv
import io
from collections import Counter
from itertools import islice
from typing import Final

from app.knowledge.parsing.decoding import decode
from app.knowledge.parsing.errors import DocumentUnreadable
from app.knowledge.parsing.writing import Writer, clean

SAMPLE: Final = 16 * 1024
ROWS: Final = 20
DELIMITERS: Final = ";\t|,"


def read(content: bytes, writer: Writer) -> None:
    text, encoding = decode(content)
    if encoding != "utf-8":
        writer.warn(f"It was read as {encoding}.")
    csv.field_size_limit(writer.limits.characters)
    cleaned = clean(text)
    lines = io.StringIO(cleaned, newline="\n")
    try:
        writer.table(csv.reader(lines, delimiter=_delimiter(cleaned[:SAMPLE])))
    except csv.Error as error:
        raise DocumentUnreadable(f"It is no table: {error}.") from error


def _delimiter(sample: str) -> str:
    """What parts the first rows into as many cells each; commas may be decimal ones."""
    return max(DELIMITERS, key=lambda delimiter: _evenness(sample, delimiter))


def _evenness(sample: str, delimiter: str) -> tuple[float, int]:
    """The share of rows that are of the commonest width, and that width; zeros for one cell."""
    rows = islice(csv.reader(io.StringIO(sample), delimiter=delimiter), ROWS)
    widths = Counter(len(row) for row in rows if row)
    if not widths:
        return (0.0, 0)
    [(width, times)] = widths.most_common(1)
    return (times / widths.total(), width) if width > 1 else (0.0, 0)
