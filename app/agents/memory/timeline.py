"""When facts hold: sets of half-open periods, and what a new fact takes of the others' time.

Facts about one thing that has one value at a time share a timeline. Whatever was told last counts
for its time; one without an end holds until the next one that is known to begin.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` up to `end`; None: until further notice."""

    start: datetime
    end: datetime | None = None

    def holds(self, at: datetime) -> bool:
        return self.start <= at and (self.end is None or at < self.end)


Periods = tuple[Period, ...]
"""In their order, apart from each other."""

Id = TypeVar("Id")


def holds(periods: Periods, at: datetime) -> bool:
    return any(period.holds(at) for period in periods)


def covers(periods: Periods, start: datetime, end: datetime | None) -> bool:
    """Whether all of this time is within."""
    return not without((Period(start, end),), periods)


def without(periods: Periods, taken: Iterable[Period]) -> Periods:
    """What is left of a time when other time is taken out of it."""
    left = list(periods)
    for each in taken:
        left = [rest for period in left for rest in _cut(period, each)]
    return tuple(left)


def yielding(others: Iterable[Periods], start: datetime, end: datetime | None) -> Period:
    """The time of a new fact: without an end, up to where the next of the others begins."""
    if end is None:
        later = [p.start for periods in others for p in periods if p.start > start]
        end = min(later, default=None)
    return Period(start, end)


def told(
    others: Mapping[Id, Periods], start: datetime, end: datetime | None
) -> tuple[Periods, dict[Id, Periods]]:
    """The time of a new fact on a timeline, and what is left to those that it takes time from."""
    mine = yielding(others.values(), start, end)
    changed = {}
    for each, periods in others.items():
        left = without(periods, (mine,))
        if left != periods:
            changed[each] = left
    return (mine,), changed


def stored(periods: Periods) -> list[list[str | None]]:
    """As JSON: `[[start, end or null], …]`."""
    return [[p.start.isoformat(), p.end.isoformat() if p.end else None] for p in periods]


def restored(told_of: Sequence[Any]) -> Periods:
    return tuple(
        Period(datetime.fromisoformat(start), datetime.fromisoformat(end) if end else None)
        for start, end in told_of
    )


def hull(periods: Periods) -> tuple[datetime | None, datetime | None]:
    """Where a time begins and ends, whatever is missing between; None, None of no time."""
    return (periods[0].start, periods[-1].end) if periods else (None, None)


def _cut(period: Period, taken: Period) -> list[Period]:
    if _ends_by(taken, period.start) or _ends_by(period, taken.start):
        return [period]
    left = []
    if period.start < taken.start:
        left.append(Period(period.start, taken.start))
    if taken.end is not None and not _ends_by(period, taken.end):
        left.append(Period(taken.end, period.end))
    return left


def _ends_by(period: Period, at: datetime) -> bool:
    return period.end is not None and period.end <= at
