"""The parts of a moment in a time zone: `timestamp(…).getHours("Europe/Berlin")`.

Without a zone the engine gives them itself, in UTC.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.automation.language.cel.functions import FunctionUnfit

_OFFSET: Final = re.compile(r"([+-]?)(\d{2}):(\d{2})")
_PARTS: Final[Mapping[str, Callable[[datetime], int]]] = {
    "getDate": lambda moment: moment.day,
    "getDayOfMonth": lambda moment: moment.day - 1,
    "getDayOfWeek": lambda moment: moment.isoweekday() % 7,
    "getDayOfYear": lambda moment: moment.timetuple().tm_yday - 1,
    "getFullYear": lambda moment: moment.year,
    "getHours": lambda moment: moment.hour,
    "getMilliseconds": lambda moment: moment.microsecond // 1000,
    "getMinutes": lambda moment: moment.minute,
    "getMonth": lambda moment: moment.month - 1,
    "getSeconds": lambda moment: moment.second,
}


def _part(of: Callable[[datetime], int], moment: datetime, zone: str) -> int:
    return of(moment.astimezone(_zone(zone)))


def _zone(name: str) -> tzinfo:
    if found := _OFFSET.fullmatch(name):
        ahead = timedelta(hours=int(found[2]), minutes=int(found[3]))
        if ahead < timedelta(days=1):
            return timezone(-ahead if found[1] == "-" else ahead)
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise FunctionUnfit(f"there is no time zone `{name[:64]}`") from None


MOMENTS: Final[Mapping[str, Callable[..., Any]]] = {
    name: partial(_part, of) for name, of in _PARTS.items()
}
