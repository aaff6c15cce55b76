"""Single values of a request, checked; whatever is wrong is named by its place."""

import binascii
from base64 import b64decode
from collections.abc import Container, Mapping
from typing import Any

from app.inference.dialects.ask import wrong_type
from app.inference.dialects.errors import RequestInvalid, UnsupportedParameter

LARGEST = 2**63 - 1
Neutral = Mapping[str, tuple[object, ...]]


def text(value: Any, at: str, *, empty: bool = False) -> str:
    if value is None:
        raise missing(at)
    if not isinstance(value, str):
        raise wrong_type(at, "a string")
    if not value and not empty:
        raise invalid(at, "empty string", "empty_string")
    return value


def optional_text(value: Any, at: str) -> str | None:
    return None if value is None else text(value, at, empty=True)


def number(value: Any, at: str, least: float, most: float) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong_type(at, "a number")
    if not least <= value <= most:
        raise invalid(at, f"expected a value from {least:g} to {most:g}", "decimal_out_of_range")
    return value


def integer(value: Any, at: str, least: int, most: int = LARGEST) -> int | None:
    # JSON knows one kind of number: 40.0 is an integer, too.
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong_type(at, "an integer")
    if not least <= value <= most:
        bounds = f"from {least} to {most}" if most < LARGEST else f"of at least {least}"
        raise invalid(at, f"expected an integer {bounds}", "integer_out_of_range")
    return value


def flag(value: Any, at: str) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise wrong_type(at, "a boolean")
    return value


def mapping(value: Any, at: str) -> dict[str, Any]:
    """An object; one that is left out is empty."""
    if value is not None and not isinstance(value, dict):
        raise wrong_type(at, "an object")
    return value or {}


def rows(value: Any, at: str) -> list[dict[str, Any]]:
    """An array of objects; one that is left out is empty."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise wrong_type(at, "an array of objects")
    return value


def strings(value: Any, at: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise wrong_type(at, "an array of strings")
    return tuple(value)


def decoded(value: Any, at: str) -> bytes:
    """The bytes of a text in base64, in either alphabet and with or without its padding."""
    encoded = text(value, at).translate({ord("-"): "+", ord("_"): "/"})
    try:
        return b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (ValueError, binascii.Error):
        raise invalid(at, "expected base64") from None


def expect_known(
    given: Mapping[str, Any], known: Container[str], at: str = "", neutral: Neutral | None = None
) -> None:
    """Refuse what cannot be translated by its name, unless it asks for what happens anyway."""
    for name in unknown_of(given, known, neutral):
        raise UnsupportedParameter(f"{at}{name[:100]}")


def unknown_of(
    given: Mapping[str, Any], known: Container[str], neutral: Neutral | None = None
) -> dict[str, Any]:
    return {
        name: value
        for name, value in given.items()
        if name not in known and value is not None and value not in (neutral or {}).get(name, ())
    }


def invalid(at: str, told: str, label: str = "invalid_value") -> RequestInvalid:
    """`label` is OpenAI's word for it; other dialects have none."""
    return RequestInvalid(f"Invalid '{at}': {told}.", param=at, label=label)


def missing(at: str) -> RequestInvalid:
    said = f"Missing required parameter: '{at}'."
    return RequestInvalid(said, param=at, label="missing_required_parameter")
