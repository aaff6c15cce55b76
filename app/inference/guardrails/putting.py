"""How something is put in the place of a span: as it is, or so that JSON stays JSON."""

import json
from typing import Protocol


class Putting(Protocol):
    """Asked for the spans of one text, in their order."""

    def value(self, raw: str) -> str:
        """What a piece of the text means."""
        ...

    def put(self, start: int, written: str) -> str:
        """What is written at this place of the text, so that it means this."""
        ...


class AsIs:
    """In a plain text."""

    def value(self, raw: str) -> str:
        return raw

    def put(self, start: int, written: str) -> str:  # noqa: ARG002 - the same everywhere
        return written


class InJson:
    """In JSON, which may begin within a string: escaped, and as a string in a number's place."""

    def __init__(self, text: str, *, inside: bool = False) -> None:
        self._text = text
        self._at = 0
        self._inside = inside

    def value(self, raw: str) -> str:
        try:
            return str(json.loads(f'"{raw}"'))
        except ValueError:
            return raw

    def put(self, start: int, written: str) -> str:
        self._inside = inside_string(self._text[self._at : start], self._inside)
        self._at = start
        escaped = json.dumps(written, ensure_ascii=False)[1:-1]
        return escaped if self._inside else f'"{escaped}"'


def inside_string(json_text: str, inside: bool) -> bool:
    """Tell whether a piece of JSON ends within a string, by whether it began in one."""
    escaped = False
    for c in json_text:
        if escaped:
            escaped = False
        elif c == "\\":
            escaped = inside
        elif c == '"':
            inside = not inside
    return inside
