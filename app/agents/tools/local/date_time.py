"""date_time: what time it is anywhere, and reckoning with dates."""

import calendar
import zoneinfo
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo

from app.agents.tools.local.local import Arguments, Config, LocalTool, takes
from app.agents.tools.tool import Outcome, ToolContext, ToolFault, ToolTraits
from app.core.clock import now

_MOST: Final = 1_000_000
_AMOUNT: Final = {"type": "integer", "minimum": -_MOST, "maximum": _MOST}
_UNITS: Final = ("years", "months", "weeks", "days", "hours", "minutes", "seconds")
_MOMENT: Final = {
    "type": "string",
    "minLength": 1,
    "maxLength": 64,
    "description": "ISO 8601, such as 2026-03-29T14:30 or 2026-03-29; `now` for this moment.",
}


class DateTime(LocalTool):
    """The built-in tool `date_time`."""

    name = "date_time"
    description = (
        "Tell the time in a time zone, convert a moment between zones, add years to seconds to "
        "it, or tell how far two moments are apart. Tells also the weekday and the ISO week."
    )
    parameters: ClassVar[Mapping[str, Any]] = takes(
        (),
        moment={**_MOMENT, "default": "now"},
        zone={
            "type": "string",
            "maxLength": 64,
            "default": "UTC",
            "description": "IANA name such as Europe/Berlin: of a moment that names none.",
        },
        to_zone={"type": "string", "maxLength": 64, "description": "The zone of the answer."},
        add={
            "type": "object",
            "additionalProperties": False,
            "properties": dict.fromkeys(_UNITS, _AMOUNT),
            "description": "Calendar years to days by the clock on the wall; hours elapse.",
        },
        until={**_MOMENT, "description": "Tell how far it is to this moment, too."},
    )
    traits = ToolTraits(effects="none", idempotent=True, seconds=5.0, characters=2_000)

    async def use(self, ctx: ToolContext, arguments: Arguments, config: Config) -> Outcome:
        del ctx, config
        zone = _zone(arguments.get("zone", "UTC"))
        moment = _moment(arguments.get("moment", "now"), zone)
        if "add" in arguments:
            moment = _added(moment, arguments["add"])
        if "to_zone" in arguments:
            moment = _within(lambda: moment.astimezone(_zone(arguments["to_zone"])))
        told = _told(moment)
        if "until" in arguments:
            told["difference"] = _difference(moment, _moment(arguments["until"], zone))
        return Outcome(_said(told), told)


def _zone(name: str) -> ZoneInfo:
    """Raises ToolFault."""
    try:
        return ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ToolFault(
            "unknown_zone", f"There is no time zone `{name[:64]}`; names look like Europe/Berlin."
        ) from None


def _moment(text: str, zone: ZoneInfo) -> datetime:
    """Raises ToolFault."""
    if text == "now":
        return now().astimezone(zone)
    try:
        read = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ToolFault(
            "unreadable_moment", "Write a moment by ISO 8601, such as 2026-03-29T14:30+02:00."
        ) from None
    return read.replace(tzinfo=zone) if read.tzinfo is None else read


def _added(moment: datetime, add: Mapping[str, int]) -> datetime:
    """The 31st plus a month is the last day of the next; what elapses goes by UTC."""

    def reckon() -> datetime:
        months = add.get("years", 0) * 12 + add.get("months", 0)
        year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
        last = calendar.monthrange(year, month + 1)[1]
        wall = moment.replace(year=year, month=month + 1, day=min(moment.day, last))
        wall += timedelta(weeks=add.get("weeks", 0), days=add.get("days", 0))
        elapses = {unit: add.get(unit, 0) for unit in ("hours", "minutes", "seconds")}
        if not any(elapses.values()):
            return wall
        return (wall.astimezone(UTC) + timedelta(**elapses)).astimezone(moment.tzinfo)

    return _within(reckon)


def _within(reckon: Any) -> datetime:
    try:
        moment: datetime = reckon()
    except (ValueError, OverflowError, calendar.IllegalMonthError):
        raise ToolFault("out_of_range", "Only the years 1 to 9999 can be reckoned with.") from None
    return moment


def _told(moment: datetime) -> dict[str, Any]:
    year, week, day = moment.isocalendar()
    return {
        "moment": moment.isoformat(timespec="seconds"),
        "zone": moment.tzname(),
        "weekday": calendar.day_name[moment.weekday()],
        "iso_week": f"{year}-W{week:02}-{day}",
        "day_of_year": moment.timetuple().tm_yday,
        "is_leap_year": calendar.isleap(moment.year),
        "unix": int(moment.timestamp()) if moment.year > 1 else None,
    }


def _difference(start: datetime, end: datetime) -> dict[str, Any]:
    """Elapsed time; and of the dates on the wall: whole days, and Monday to Friday among them."""
    seconds = int((end - start).total_seconds())
    days = (end.date() - start.date()).days
    return {
        "until": end.isoformat(timespec="seconds"),
        "seconds": seconds,
        "words": _words(abs(seconds)) + (" earlier" if seconds < 0 else ""),
        "calendar_days": days,
        "weekdays": _weekdays(start.date(), end.date()),
    }


def _weekdays(start: date, end: date) -> int:
    """Mondays to Fridays from `start` to before `end`; negative where that lies before."""
    if end < start:
        return -_weekdays(end, start)
    weeks, rest = divmod((end - start).days, 7)
    return weeks * 5 + sum((start.weekday() + each) % 7 < 5 for each in range(rest))


def _words(seconds: int) -> str:
    parts = []
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        count, seconds = divmod(seconds, length)
        if count:
            parts.append(f"{count} {unit}{'' if count == 1 else 's'}")
    return " ".join(parts) or "0 seconds"


def _said(told: Mapping[str, Any]) -> str:
    said = f"{told['moment']} ({told['zone']}), {told['weekday']}, ISO week {told['iso_week']}"
    if gap := told.get("difference"):
        said += (
            f"\nUntil {gap['until']}: {gap['words']} ({gap['seconds']} seconds, "
            f"{gap['calendar_days']} calendar days, {gap['weekdays']} of them Monday to Friday)"
        )
    return said
