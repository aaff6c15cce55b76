"""CSV and its kin: one table. Formulas are text like any other; nothing is computed."""

import csv
import io
from typing import Final

from app.knowledge.parsing.decoding import decode
from app.knowledge.parsing.errors import DocumentUnreadable
from app.knowledge.parsing.writing import Writer, clean

SAMPLE: Final = 16 * 1024


def read(content: bytes, writer: Writer) -> None:
    text, encoding = decode(content)
    if encoding != "utf-8":
        writer.warn(f"It was read as {encoding}.")
    csv.field_size_limit(writer.limits.characters)
    lines = io.StringIO(clean(text), newline="\n")
    try:
        writer.table(csv.reader(lines, delimiter=_delimiter(text[:SAMPLE])))
    except csv.Error as error:
        raise DocumentUnreadable(f"It is no table: {error}.") from error


def _delimiter(sample: str) -> str:
    """What parts the cells of the first line."""
    try:
        return csv.Sniffer().sniff(sample.partition("\n")[0] + "\n", delimiters=",;\t|").delimiter
    except csv.Error:
        return ","
