"""Times of cron expressions, in a time zone.

Of a time that daylight saving skips, the expression fires right after the gap; of one that comes
twice, once. An expression that names every hour (`*`) or every minute follows the hours as they
pass: none in the gap, both of the doubled one.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.core.clock import now

CatchUp = Literal["skip", "last", "all"]
FIELDS: Final = 5
MOST_MISSED: Final = 100
# What fires within this time of its moment was not missed.
GRACE: Final = timedelta(minutes=5)


class CronUnfit(ValueError):
    """What is wrong with an expression or a time zone, for whoever wrote it."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When something is to happen; `jitter` in seconds."""

    expression: str
    time_zone: str
    catch_up: CatchUp = "last"
    jitter: int = 0


def check(schedule: Schedule) -> None:
    """Raises CronUnfit for what has no times."""
    try:
        ZoneInfo(schedule.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise CronUnfit("must be a time zone such as Europe/Berlin") from None
    if len(schedule.expression.split()) != FIELDS:
        raise CronUnfit("must have five fields: minute, hour, day of month, month, day of week")
    if next(times_after(schedule, now()), None) is None:
        raise CronUnfit("names no time that ever comes")


def times_after(schedule: Schedule, after: datetime) -> Iterator[datetime]:
    """Its times later than `after`, in UTC; raises CronUnfit."""
    return _times(schedule, after, backwards=False)


def fires_at(schedule: Schedule, trigger_id: UUID, scheduled: datetime) -> datetime:
    """When it fires for a time: the same in every process, up to its jitter later.

    Always before its next time: a jitter longer than the interval would have times overtake others.
    """
    if not schedule.jitter:
        return scheduled
    following = next(times_after(schedule, scheduled), None)
    most = timedelta(seconds=schedule.jitter)
    if following is not None:
        most = min(most, following - scheduled)
    drawn = hashlib.sha256(f"{trigger_id}:{scheduled.isoformat()}".encode()).digest()
    part = int.from_bytes(drawn[:8], "big") / 2**64
    return scheduled + part * most


@dataclass(frozen=True, slots=True)
class Due:
    """Times to fire for now, the oldest first, and the one after all that have passed."""

    times: tuple[datetime, ...]
    next: datetime | None


def due(schedule: Schedule, trigger_id: UUID, since: datetime, at: datetime) -> Due:
    """What of the times from `since` on is due `at` this moment, by its `catch_up`.

    `skip` leaves out what was missed, `last` takes the latest alone, and `all` each of the last
    hundred.
    """
    found: list[datetime] = []
    most = MOST_MISSED if schedule.catch_up == "all" else 1
    for time in _times(schedule, at + timedelta(seconds=1), backwards=True):
        if time < since or len(found) == most:
            break
        if time <= at and (found or fires_at(schedule, trigger_id, time) <= at):
            found.append(time)
    if not found:
        return Due((), since)
    following = next(times_after(schedule, found[0]), None)
    missed = fires_at(schedule, trigger_id, found[0]) < at - GRACE
    if schedule.catch_up == "skip" and missed:
        return Due((), following)
    return Due(tuple(reversed(found)), following)


def _times(schedule: Schedule, start: datetime, *, backwards: bool) -> Iterator[datetime]:
    from cronsim import CronSim, CronSimError  # noqa: PLC0415 - few processes ever ask

    try:
        local = start.astimezone(ZoneInfo(schedule.time_zone))
        found = CronSim(schedule.expression.upper(), local, reverse=backwards)
    except CronSimError as error:
        raise CronUnfit(f"is no cron expression: {error}") from None
    except OverflowError:
        return
    for time in found:
        yield time.astimezone(UTC)
