"""The process that computes JSONata: a line of JSON in, a line out, until its input ends.

Before the first it writes an empty line: it is ready. `$pad` alone can take a gigabyte and a
quarter of a minute, and patterns can take forever; so it runs with bounded memory and processor
time, can neither read files, connect nor start anything, and is killed when it takes too long.
"""

import os
import sys
from typing import Any, Final

import jsonata  # type: ignore[import-untyped]
import orjson

from app.knowledge.parsing.confinement import confine
from app.knowledge.parsing.limits import ParseLimits

_LONGEST: Final = 300


def main() -> None:
    memory, seconds, most = map(int, sys.argv[1:])
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # What a library writes is no answer.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    confine(ParseLimits(memory_bytes=memory, cpu_seconds=seconds))
    answers.write(b"\n")
    answers.flush()
    for line in sys.stdin.buffer:
        try:
            answer = _answer(orjson.loads(line), most)
        except MemoryError:
            answer = orjson.dumps({"code": "jsonata_too_large", "error": "takes too much memory"})
        answers.write(answer + b"\n")
        answers.flush()


def _answer(request: dict[str, Any], most: int) -> bytes:
    try:
        output = jsonata.Jsonata(request["expression"]).evaluate(request["input"])
        written = orjson.dumps({"output": output})
    except MemoryError:
        raise
    except RecursionError:
        return _failed("calls itself too deeply")
    except (orjson.JSONEncodeError, TypeError):
        return _failed("gives what JSON cannot hold, or uses a value as what it is not")
    except Exception as error:  # noqa: BLE001 - the library raises any, for what expressions are
        return _failed(str(error)[:_LONGEST] or type(error).__name__)
    if len(written) > most:
        return orjson.dumps({"code": "jsonata_too_large", "error": "gives more than it may"})
    return written


def _failed(why: str) -> bytes:
    return orjson.dumps({"code": "jsonata_failed", "error": why})


if __name__ == "__main__":
    main()
