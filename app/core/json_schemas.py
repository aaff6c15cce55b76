"""Validators of JSON Schemas that others wrote: they fetch nothing, and their patterns end in time.

Of `jsonschema_rs` alone, a schema's `$ref` would be fetched from wherever it leads.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import orjson

from app.core.json_schema_parts import expect_few_parts

MOST_BYTES: Final = 256 * 1024
# How often a pattern that looks around may go back before it counts as not matching.
MOST_STEPS_BACK: Final = 10_000


def validator_of(schema: Mapping[str, Any], *, only_2020: bool = False) -> Any:
    """A validator, by the draft that the schema names, or else (or always) by 2020-12.

    Patterns take linear time. Raises ValueError for what is no JSON Schema, is longer than 256 KiB,
    refers to another document, or refers to its own parts so often that a check takes forever.
    """
    return _compiled(_written(schema), only_2020, False)


def lenient_validator_of(schema: Mapping[str, Any]) -> Any:
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
def _compiled(written: bytes, only_2020: bool, looks_around: bool) -> Any:
    import jsonschema_rs  # noqa: PLC0415 - heavy, and not needed at start

    patterns: Any = jsonschema_rs.RegexOptions()
    if looks_around:
        patterns = jsonschema_rs.FancyRegexOptions(backtrack_limit=MOST_STEPS_BACK)
    make: Any = jsonschema_rs.validator_for
    if only_2020:
        make = jsonschema_rs.Draft202012Validator
    schema = orjson.loads(written)
    expect_few_parts(schema)
    return make(schema, retriever=_refuse, pattern_options=patterns)


def _refuse(address: str) -> Any:
    raise ValueError(f"refers to {address}; other documents are not fetched")
