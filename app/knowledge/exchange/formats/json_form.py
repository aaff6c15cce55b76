"""Our own form: one JSON document, a concept a line, nothing left out."""

from collections import deque
from collections.abc import Container, Iterator, Sequence
from typing import Any, BinaryIO, Final

import orjson

from app.knowledge.exchange.concept import Concept, Head, Misshapen, from_wire, to_wire
from app.knowledge.exchange.formats.encodings import as_utf8
from app.knowledge.exchange.formats.row import Malformed, Row

FORMAT: Final = "luminous-dictionary"
VERSION: Final = 1
CONCEPTS: Final = "concepts"
MAX_DEPTH: Final = 64


class JsonWriter:
    def __init__(self) -> None:
        self._separator = b"\n"

    def start(self, head: Head) -> bytes:
        about = {"name": head.name, "description": head.description, "languages": head.languages}
        begun = orjson.dumps({"format": FORMAT, "version": VERSION, "dictionary": about})
        return begun.removesuffix(b"}") + b',"concepts":['

    def page(self, concepts: Sequence[Concept], _: Container[str]) -> bytes:
        written = []
        for concept in concepts:
            written += [self._separator, orjson.dumps(to_wire(concept))]
            self._separator = b",\n"
        return b"".join(written)

    def end(self) -> bytes:
        return b"\n]}\n"


def read(file: BinaryIO) -> Iterator[Row]:
    """Every concept, one at a time; raises Malformed."""
    import ijson  # type: ignore[import-untyped]  # noqa: PLC0415 - only the child needs it

    found = 0
    try:
        for item in _concepts(ijson.basic_parse(as_utf8(file), use_float=True)):
            found += 1
            yield _row(item)
    except (ijson.JSONError, ValueError) as error:
        raise Malformed(f"after concept {found}: no well-formed JSON ({_said(error)})") from None


def _concepts(events: Iterator[tuple[str, Any]]) -> Iterator[Any]:
    """The items of the list `concepts` of the outermost object; raises Malformed."""
    import ijson  # noqa: PLC0415 - only the child needs it

    if not _goes_to_concepts(events):
        raise Malformed("it has no list `concepts`")
    depth, builder = 0, None
    for event, value in events:
        depth -= event.startswith("end_")
        if depth < 0:
            break
        builder = builder or ijson.ObjectBuilder()
        builder.event(event, value)
        begins = event.startswith("start_")
        if depth == 0 and not begins:
            yield builder.value
            builder = None
        depth += begins
        if depth > MAX_DEPTH:
            raise Malformed(f"a concept is nested deeper than {MAX_DEPTH} levels")
    # What stands behind the list must be well-formed, too.
    deque(events, maxlen=0)


def _goes_to_concepts(events: Iterator[tuple[str, Any]]) -> bool:
    """Read on to the first item; false where there is no such list."""
    depth, named = 0, False
    for event, value in events:
        if depth == 1 and event == "map_key":
            named = value == CONCEPTS
        elif depth == 1 and named and event == "start_array":
            return True
        depth += event.startswith("start_") - event.startswith("end_")
    return False


def _row(item: object) -> Row:
    try:
        return Row(None, from_wire(item))
    except Misshapen as error:
        return Row(None, None, str(error))


def _said(error: Exception) -> str:
    return " ".join(str(error).split("\n", 1)[0].split())[:200]
