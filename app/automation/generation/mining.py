"""What is done again and again: times that come back, and sequences. Counted, never guessed."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median_low
from typing import Any, Final, Generic, TypeVar
from zoneinfo import ZoneInfo

from app.automation.generation.seen_crud import Call, Start

WINDOW: Final = 60  # minutes
REGULAR: Final = 0.6
LIKELY: Final = 0.5
PAUSE: Final = timedelta(minutes=30)
LONGEST: Final = 4
_ROUND: Final = 5
_WEEKDAYS: Final = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_FRIDAY: Final = 4
_FEW: Final = 3
T = TypeVar("T", Start, Call)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Starts of one workflow by one person at about the same time, on `days` of `expected`."""

    starts: Sequence[Start]
    expression: str
    said: str
    days: int
    expected: int


@dataclass(frozen=True, slots=True)
class Sequenced(Generic[T]):
    """`seen` are its occurrences, one for each occasion; `occasions` is how many have its first."""

    key: tuple[Hashable, ...]
    seen: Sequence[Sequence[T]]
    occasions: int


def schedules(starts: Iterable[Start], zone: ZoneInfo, support: int) -> list[Schedule]:
    """The most regular time of each person's starts of each workflow, where there is one."""
    groups: dict[Any, list[tuple[datetime, Start]]] = defaultdict(list)
    for start in starts:
        groups[start.user_id, start.subject_id].append((start.at.astimezone(zone), start))
    found = [_schedule(group, support) for group in groups.values()]
    return [each for each in found if each is not None]


def _schedule(group: list[tuple[datetime, Start]], support: int) -> Schedule | None:
    near = _densest(group)
    days = sorted({local.date() for local, _ in near})
    if len(days) < support:
        return None
    pattern = _pattern(days)
    if pattern is None:
        return None
    field, said, expected = pattern
    if len(days) / expected < REGULAR:
        return None
    minute = median_low(sorted(_minute(local) for local, _ in near)) // _ROUND * _ROUND
    expression = f"{minute % 60} {minute // 60} {field}"
    told = f"{said} at about {minute // 60:02}:{minute % 60:02}"
    return Schedule([start for _, start in near], expression, told, len(days), expected)


def _densest(group: list[tuple[datetime, Start]]) -> list[tuple[datetime, Start]]:
    """Those of the hour of the day that has the most days."""
    ordered = sorted(group, key=lambda each: _minute(each[0]))
    windows = (
        [each for each in ordered if first <= _minute(each[0]) < first + WINDOW]
        for first in dict.fromkeys(_minute(local) for local, _ in ordered)
    )
    return max(windows, key=lambda window: len({local.date() for local, _ in window}))


def _minute(local: datetime) -> int:
    return local.hour * 60 + local.minute


def _pattern(days: Sequence[date]) -> tuple[str, str, int] | None:
    """Day fields of a cron expression, in words, and how many days it has from first to last."""
    first, last = days[0], days[-1]
    span = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    weekdays = {day.weekday() for day in days}
    if len(weekdays) == 1:
        name = _WEEKDAYS[first.weekday()]
        return f"* * {name}", f"every {name}", len(span[::7])
    if len({day.day for day in days}) == 1:
        alike = [day for day in span if day.day == first.day]
        return f"{first.day} * *", f"on day {first.day} of each month", len(alike)
    if len(weekdays) < _FEW:
        names = ",".join(_WEEKDAYS[each] for each in sorted(weekdays))
        return f"* * {names}", f"every {names}", sum(d.weekday() in weekdays for d in span)
    if max(weekdays) <= _FRIDAY:
        working = [day for day in span if day.weekday() <= _FRIDAY]
        return "* * MON-FRI", "on working days", len(working)
    return "* * *", "every day", len(span)


def chains(starts: Iterable[Start], support: int) -> list[Sequenced[Start]]:
    """What one person begins one after the other, without half an hour in between."""
    by_person: dict[Any, list[Start]] = defaultdict(list)
    for start in sorted(starts, key=lambda each: each.at):
        by_person[start.user_id].append(start)
    occasions: list[list[Start]] = []
    for mine in by_person.values():
        before: Start | None = None
        for start in mine:
            if before is None or start.at - before.at > PAUSE:
                occasions.append([])
            occasions[-1].append(start)
            before = start
    return _sequences(
        [(each, [(s.kind, s.subject_id) for s in each]) for each in occasions], support
    )


def tool_sequences(calls: Iterable[Call], support: int) -> list[Sequenced[Call]]:
    """Tools that an agent calls one after the other, an occasion a run."""
    by_run: dict[Any, list[Call]] = defaultdict(list)
    for call in calls:
        by_run[call.run_id].append(call)
    return _sequences([(each, [call.name for call in each]) for each in by_run.values()], support)


def _sequences(
    occasions: Sequence[tuple[list[T], Sequence[Hashable]]], support: int
) -> list[Sequenced[T]]:
    """Runs of two to four, each counted once an occasion; none that a longer one tells as well."""
    seen: dict[tuple[Hashable, ...], list[list[T]]] = defaultdict(list)
    firsts: dict[Hashable, int] = defaultdict(int)
    for events, keys in occasions:
        for key in set(keys):
            firsts[key] += 1
        for sequence, place in _within(keys).items():
            seen[sequence].append(events[place : place + len(sequence)])
    found = [
        Sequenced(key, places, firsts[key[0]])
        for key, places in seen.items()
        if len(places) >= support and len(places) / firsts[key[0]] >= LIKELY
    ]
    return [each for each in found if not any(_tells(other, each) for other in found)]


def _within(keys: Sequence[Hashable]) -> dict[tuple[Hashable, ...], int]:
    """The sequences of an occasion, and where each first stands; none that repeats a thing."""
    found: dict[tuple[Hashable, ...], int] = {}
    for length in range(2, LONGEST + 1):
        for place in range(len(keys) - length + 1):
            sequence = tuple(keys[place : place + length])
            if len(set(sequence)) == length:
                found.setdefault(sequence, place)
    return found


def _tells(longer: Sequenced[Any], shorter: Sequenced[Any]) -> bool:
    length = len(shorter.key)
    return (
        len(longer.key) > length
        and len(longer.seen) >= len(shorter.seen)
        and any(
            longer.key[place : place + length] == shorter.key
            for place in range(len(longer.key) - length + 1)
        )
    )


def common(given: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], list[str]]:
    """What is the same each time, and the names of what is not."""
    names = list(dict.fromkeys(name for each in given for name in each))
    same = {
        name: given[0][name]
        for name in names
        if name in given[0] and all(name in e and e[name] == given[0][name] for e in given)
    }
    return same, [name for name in names if name not in same]
