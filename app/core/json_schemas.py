"""Validators of JSON Schemas that others wrote: they fetch nothing, and all that they do ends soon.

Of `jsonschema_rs` alone, a schema's `$ref` would be fetched from wherever it leads, and a few
levels of a value could take minutes, while no other thread goes on.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import orjson

from app.core.json_schema_parts import Parts, parts_of
from app.core.json_schema_work import MOST_LOOKS, MOST_TOLD, is_told_soon, looks

MOST_BYTES: Final = 256 * 1024
# How often a pattern that looks around may go back before it counts as not matching.
MOST_STEPS_BACK: Final = 10_000


class Mistake(ValueError):
    """What is wrong with a value as a whole, as the library says what is wrong at one place."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        self.kind = self
        self.instance_path: tuple[str | int, ...] = ()


class TooLarge(Mistake):
    """Holding the value to the schema would take too long."""


class Unexplained(Mistake):
    """The value does not satisfy the schema, in too many ways to tell of any."""


@dataclass(frozen=True, slots=True)
class Validator:
    """Holds values to a schema."""

    made: Any
    parts: Parts

    def is_valid(self, value: Any) -> bool:
        """Raise TooLarge where it cannot be told in time."""
        if looks(self.parts, value) > MOST_LOOKS:
            raise TooLarge("is too large to be held to the schema")
        return bool(self.made.is_valid(value))

    def iter_errors(self, value: Any) -> Iterator[Any]:
        """The mistakes, each with `message`, `instance_path` and `kind`."""
        is_small = not self.parts.recurs and looks(self.parts, value) <= MOST_TOLD
        if is_small or is_told_soon(self.parts, value):
            yield from self.made.iter_errors(value)
        elif (mistake := self._mistake(value)) is not None:
            yield mistake

    def _mistake(self, value: Any) -> Mistake | None:
        try:
            if self.is_valid(value):
                return None
        except TooLarge as error:
            return error
        return Unexplained("does not satisfy the schema, in too many ways to tell of them")


def validator_of(schema: Mapping[str, Any], *, only_2020: bool = False) -> Validator:
    """A validator, by the draft that the schema names, or else (or always) by 2020-12.

    Patterns take linear time. Raises ValueError for what is no JSON Schema, is longer than 256 KiB,
    refers to another document, or refers to its own parts so often that a check takes forever.
    """
    return _compiled(_written(schema), only_2020, False)


def lenient_validator_of(schema: Mapping[str, Any]) -> Validator:
    """As `validator_of`, for schemas of other systems: patterns may look around, within a bound."""
    written = _written(schema)
    try:
        return _compiled(written, False, False)
    except ValueError:
        return _compiled(written, False, True)


def _written(schema: Mapping[str, Any]) -> bytes:
    try:
        written = orjson.dumps(schema, default=dict)
    except TypeError as error:
        raise ValueError(f"is not JSON: {error}") from None
    if len(written) > MOST_BYTES:
        raise ValueError(f"is longer than {MOST_BYTES // 1024} KiB")
    return written


@lru_cache(maxsize=512)
def _compiled(written: bytes, only_2020: bool, looks_around: bool) -> Validator:
    import jsonschema_rs  # noqa: PLC0415 - heavy, and not needed at start

    patterns: Any = jsonschema_rs.RegexOptions()
    if looks_around:
        patterns = jsonschema_rs.FancyRegexOptions(backtrack_limit=MOST_STEPS_BACK)
    make: Any = jsonschema_rs.validator_for
    if only_2020:
        make = jsonschema_rs.Draft202012Validator
    schema = orjson.loads(written)
    parts = parts_of(schema)
    made = make(schema, retriever=_refuse, pattern_options=patterns)
    return Validator(made, parts)


def _refuse(address: str) -> Any:
    raise ValueError(f"refers to {address}; other documents are not fetched")
