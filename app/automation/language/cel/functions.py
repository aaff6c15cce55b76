"""What CEL expressions can call beside the language's own: the usual extensions, all bounded.

They are called as methods too: `join(list, ", ")` is `list.join(", ")`. None knows the time, draws
lots or looks outside.
"""

import base64
import math
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import orjson

from app.automation.language.urls import percent_encoded
from app.core.json_limits import MAX_DEPTH, too_deep

MOST_TEXT: Final = 1024 * 1024
MOST_ITEMS: Final = 50_000
LONGEST_PATTERN: Final = 500
_NUL: Final = "\x00"
_INSTEAD: Final = "\ufffd"


class FunctionUnfit(ValueError):
    """Why a function gives nothing for what it was given, in a sentence."""


def dumped(value: Any) -> str:
    """A value as JSON, its keys in order: the same text in every process."""
    try:
        return orjson.dumps(
            value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS, default=_as_json
        ).decode()
    except (TypeError, ValueError):
        raise FunctionUnfit("the value cannot be written as JSON") from None


def _as_json(value: Any) -> Any:
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g}s"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError


def _text(value: Any) -> str:
    """`string(…)` of what the language itself has none for."""
    return value if isinstance(value, str) else dumped(value)


def _boolean(value: Any) -> bool:
    known = {"true": True, "false": False, True: True, False: False}
    if isinstance(value, bool | str) and value in known:
        return known[value]
    raise FunctionUnfit("bool(…) takes true, false, or one of them as a text")


def _expect(value: Any, kind: type | tuple[type, ...], said: str) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise FunctionUnfit(said)
    return value


def _fit(value: str) -> str:
    if len(value) > MOST_TEXT:
        raise FunctionUnfit("a text grows beyond 1 MiB")
    return value


def _split(text: str, mark: str, most: int = -1) -> list[str]:
    _expect(text, str, "split(…) takes a text")
    if text.count(mark) > MOST_ITEMS:
        raise FunctionUnfit(f"split(…) gives more than {MOST_ITEMS} parts")
    if mark == "":
        return list(text)
    return text.split(mark, most - 1 if most > 0 else -1)


def _join(items: list[Any], mark: str = "") -> str:
    texts = [item if isinstance(item, str) else dumped(item) for item in items]
    if sum(map(len, texts)) + len(mark) * len(texts) > MOST_TEXT:
        raise FunctionUnfit("a text grows beyond 1 MiB")
    return mark.join(texts)


def _replace(text: str, old: str, new: str, most: int = -1) -> str:
    times = text.count(old) if most < 0 else min(most, text.count(old))
    if len(text) + times * max(len(new) - len(old), 0) > MOST_TEXT:
        raise FunctionUnfit("a text grows beyond 1 MiB")
    return text.replace(old, new, most)


def _substring(text: str, start: int, end: int | None = None) -> str:
    last = len(text) if end is None else end
    if not 0 <= start <= last <= len(text):
        raise FunctionUnfit(f"substring(…): {start} to {last} is outside of {len(text)} characters")
    return text[start:last]


def _char_at(text: str, index: int) -> str:
    if not 0 <= index <= len(text):
        raise FunctionUnfit(f"charAt(…): {index} is outside of {len(text)} characters")
    return text[index : index + 1]


def _slice(items: list[Any], start: int, end: int | None = None) -> list[Any]:
    last = len(items) if end is None else end
    if not 0 <= start <= last <= len(items):
        raise FunctionUnfit(f"slice(…): {start} to {last} is outside of {len(items)} items")
    return items[start:last]


def _flatten(items: list[Any], depth: int = 1) -> list[Any]:
    flat: list[Any] = []
    for item in items:
        if isinstance(item, list) and depth > 0:
            flat += _flatten(item, depth - 1)
        else:
            flat.append(item)
    return flat


def _distinct(items: list[Any]) -> list[Any]:
    return list({dumped(item): item for item in items}.values())


def _range(count: int) -> list[int]:
    if count > MOST_ITEMS:
        raise FunctionUnfit(f"lists.range(…) gives at most {MOST_ITEMS} items")
    return list(range(count))


def _numbers(*given: Any) -> list[Any]:
    items = given[0] if len(given) == 1 and isinstance(given[0], list) else list(given)
    if not items:
        raise FunctionUnfit("there must be at least one value")
    return items


def _sum(items: list[Any]) -> Any:
    if any(isinstance(item, bool) or not isinstance(item, int | float) for item in items):
        raise FunctionUnfit("sum(…) takes numbers")
    total = sum(items)
    if isinstance(total, int) and not -(2**63) <= total < 2**63:
        raise FunctionUnfit("sum(…) grows beyond 64 bits")
    return total


def _round(number: float) -> float:
    if not math.isfinite(number):
        return number
    return float(math.copysign(math.floor(abs(number) + 0.5), number))


def _whole(rounding: Callable[[float], int]) -> Callable[[float], float]:
    return lambda number: float(rounding(number)) if math.isfinite(number) else number


def _keys(items: list[Any]) -> set[str]:
    return {dumped(item) for item in items}


def _decode(text: str) -> Any:
    try:
        value = orjson.loads(text)
    except ValueError:
        raise FunctionUnfit("json.decode(…): the text is not JSON") from None
    if too_deep(text.encode(), value) is not None:
        raise FunctionUnfit(f"json.decode(…): the text is nested deeper than {MAX_DEPTH} levels")
    return value


def _unbase64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise FunctionUnfit("base64.decode(…): the text is not base64") from None


@lru_cache(maxsize=256)
def _pattern(source: str) -> Any:
    import re2  # type: ignore[import-untyped]  # noqa: PLC0415 - native, not needed at start

    if len(source) > LONGEST_PATTERN:
        raise FunctionUnfit(f"a pattern has at most {LONGEST_PATTERN} characters")
    options = re2.Options()
    options.max_mem = 1024 * 1024
    options.log_errors = False
    try:
        return re2.compile(source, options)
    except re2.error:
        raise FunctionUnfit("matches(…): the pattern is not one of RE2, or too large") from None


def matches(text: str, pattern: str) -> bool:
    """Whether some part of the text matches, in linear time."""
    _expect(text, str, "matches(…) takes a text")
    return _pattern(pattern).search(text) is not None


def _at(index: int) -> Callable[[list[Any]], Any]:
    return lambda items: items[index] if items else None


def _url_encode(value: Any) -> str:
    text = _text(value)
    if len(text) > MOST_TEXT // 9:
        raise FunctionUnfit("url.encode(…) takes a text of at most 113 KiB")
    return percent_encoded(text)


FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "string": _text,
    "bool": _boolean,
    "charAt": _char_at,
    "indexOf": lambda text, part: text.find(part),
    "lastIndexOf": lambda text, part: text.rfind(part),
    "substring": _substring,
    "replace": _replace,
    "split": _split,
    "join": _join,
    "lowerAscii": lambda text: _fit(text).lower(),
    "upperAscii": lambda text: _fit(text).upper(),
    "trim": lambda text: text.strip(),
    "reverse": lambda items: items[::-1],
    "min": lambda *given: min(_numbers(*given)),
    "max": lambda *given: max(_numbers(*given)),
    "sum": _sum,
    "first": _at(0),
    "last": _at(-1),
    "slice": _slice,
    "sort": sorted,
    "distinct": _distinct,
    "flatten": _flatten,
    "lists.range": _range,
    "math.greatest": lambda *given: max(_numbers(*given)),
    "math.least": lambda *given: min(_numbers(*given)),
    "math.abs": abs,
    "math.sign": lambda number: (number > 0) - (number < 0),
    "math.ceil": _whole(math.ceil),
    "math.floor": _whole(math.floor),
    "math.trunc": _whole(math.trunc),
    "math.round": _round,
    "math.isFinite": math.isfinite,
    "sets.contains": lambda items, part: _keys(part) <= _keys(items),
    "sets.equivalent": lambda items, others: _keys(items) == _keys(others),
    "sets.intersects": lambda items, others: bool(_keys(items) & _keys(others)),
    "json.encode": dumped,
    "json.decode": _decode,
    "base64.encode": lambda raw: base64.b64encode(
        raw.encode() if isinstance(raw, str) else raw
    ).decode(),
    "base64.decode": _unbase64,
    "url.encode": _url_encode,
}
NATIVE: Final = frozenset(
    {
        "bytes",
        "contains",
        "double",
        "duration",
        "dyn",
        "endsWith",
        "getDate",
        "getDayOfMonth",
        "getDayOfWeek",
        "getDayOfYear",
        "getFullYear",
        "getHours",
        "getMilliseconds",
        "getMinutes",
        "getMonth",
        "getSeconds",
        "has",
        "int",
        "matches",
        "size",
        "startsWith",
        "string",
        "timestamp",
        "type",
        "uint",
    }
)


def plain(value: Any) -> Any:
    """What an expression gave as JSON: moments and bytes as texts, keys as texts and in order.

    For NUL, which Postgres refuses, stands U+FFFD.
    """
    if value is None or isinstance(value, str | bool | int):
        return value.replace(_NUL, _INSTEAD) if isinstance(value, str) else value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise FunctionUnfit("the result is not a number")
        return value
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: plain(value[known]) for key, known in sorted(_named(value))}
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta | bytes):
        return _as_json(value)
    raise FunctionUnfit("the result is not a value")


def _named(value: Mapping[Any, Any]) -> list[tuple[str, Any]]:
    return [
        (key.replace(_NUL, _INSTEAD) if isinstance(key, str) else dumped(key), key) for key in value
    ]
