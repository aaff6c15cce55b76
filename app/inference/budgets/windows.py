"""The spans of time that budgets are for: days and months of a time zone, or all time."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

WindowKind = Literal["day", "month", "total"]


@dataclass(frozen=True, slots=True)
class Window:
    """One span: its name, and in UTC its first moment and the first that is past it.

    A `total` has neither. `name` differs between windows of one budget.
    """

    name: str
    start: datetime | None = None
    end: datetime | None = None

    def holds(self, at: datetime) -> bool:
        return (self.start is None or at >= self.start) and (self.end is None or at < self.end)


def window_at(kind: WindowKind, timezone: str, at: datetime) -> Window:
    """The window that a moment is in; a day is as long as its time zone makes it."""
    if kind == "total":
        return Window("total")
    zone = ZoneInfo(timezone)
    today = at.astimezone(zone).date()
    if kind == "day":
        first, after, name = today, today + timedelta(days=1), today.isoformat()
    else:
        first = today.replace(day=1)
        after, name = _next_month(first), f"{today:%Y-%m}"
    if timezone != "UTC":
        # Of a budget that moves to another zone, the counters of its days start anew.
        name = f"{name}@{timezone}"
    return Window(name, _midnight(first, zone), _midnight(after, zone))


def _next_month(first: date) -> date:
    return (first + timedelta(days=32)).replace(day=1)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """Where a day begins; where its midnight comes twice the first, where it is skipped its end."""
    return datetime.combine(day, time(), zone).astimezone(UTC)
