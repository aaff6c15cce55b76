"""JSON and JSON Lines: a block for each part of the outermost value."""

import json
from collections.abc import Iterator
from typing import Any, Final

from app.knowledge.parsing.decoding import decode
from app.knowledge.parsing.errors import DocumentUnreadable, DocumentUnsafe
from app.knowledge.parsing.writing import Writer

DEEPEST: Final = 200


def read(content: bytes, writer: Writer) -> None:
    for name, value in _parts(_loads(decode(content)[0])):
        writer.code(_written(value), name)


def read_lines(content: bytes, writer: Writer) -> None:
    for number, line in enumerate(decode(content)[0].split("\n"), 1):
        if line.strip():
            writer.code(_written(_loads(line, number)))


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from ((name, {name: part}) for name, part in value.items())
    elif isinstance(value, list):
        yield from (("", part) for part in value)
    else:
        yield "", value


def _written(value: Any) -> str:
    """In lines, or on one where it is small, as records are best read."""
    line = json.dumps(value, ensure_ascii=False)
    return line if len(line) <= 400 else json.dumps(value, ensure_ascii=False, indent=1)


def _loads(text: str, line: int | None = None) -> Any:
    try:
        value = json.loads(text)
    except RecursionError:
        raise DocumentUnsafe(f"It is nested more than {DEEPEST} levels deep.") from None
    except ValueError as error:
        where = f"line {line}" if line else "all of it"
        raise DocumentUnreadable(f"It is not valid JSON ({where}): {error}."[:300]) from None
    _check_depth(value)
    return value


def _check_depth(value: Any) -> None:
    level, deep = [value], 0
    while level:
        deep += 1
        if deep > DEEPEST:
            raise DocumentUnsafe(f"It is nested more than {DEEPEST} levels deep.")
        level = [child for node in level for child in _children(node)]


def _children(node: Any) -> list[Any]:
    found = list(node.values()) if isinstance(node, dict) else node
    return [c for c in found if isinstance(c, (dict, list))] if isinstance(found, list) else []
