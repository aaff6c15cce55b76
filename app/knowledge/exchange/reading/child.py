"""The child: reads a file from its standard input and writes what it finds, a JSON line a row.

The last line says that the file was read whole (`end`), or why it was not (`malformed`). It runs
with bounded memory and processor time, and can neither write, connect nor start anything.
"""

import sys
from io import BufferedReader
from typing import Any, Final, cast

import orjson

from app.knowledge.exchange.concept import to_wire
from app.knowledge.exchange.formats.row import Malformed, Row
from app.knowledge.exchange.formats.table import FORMATS, Name
from app.knowledge.parsing.confinement import confine
from app.knowledge.parsing.limits import ParseLimits

_NUL: Final = b"\\u0000"


def main() -> None:
    name, memory, seconds, longest = sys.argv[1:]
    confine(ParseLimits(memory_bytes=int(memory), cpu_seconds=int(seconds)))
    file = cast("BufferedReader", sys.stdin.buffer)
    try:
        number = _read(file, cast("Name", name), int(longest))
        _say({"end": number})
    except Malformed as error:
        _say({"malformed": str(error)})
    except MemoryError:
        _say({"malformed": "it takes more memory to read than it may; split it"})


def _read(file: BufferedReader, name: Name, longest: int) -> int:
    found = 0
    for row in FORMATS[name].read(file):
        line = _line(row)
        if len(line) > longest:
            line = _refused(row, "is larger than a concept may be")
        sys.stdout.buffer.write(line + b"\n")
        found += 1
    return found


def _line(row: Row) -> bytes:
    if row.concept is None:
        return _refused(row, row.reason)
    try:
        written = orjson.dumps({"line": row.line, "concept": to_wire(row.concept)})
    except (TypeError, RecursionError):
        return _refused(row, "holds what JSON has no way to say, or is nested too deeply")
    return _refused(row, "holds the NUL character") if _NUL in written else written


def _refused(row: Row, reason: str) -> bytes:
    return orjson.dumps({"line": row.line, "reason": reason[:1000]})


def _say(told: dict[str, Any]) -> None:
    sys.stdout.buffer.write(orjson.dumps(told) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
