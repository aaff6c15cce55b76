"""Times of cron expressions: over daylight saving, after downtime, and with jitter."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from uuid import UUID

import pytest

from app.automation.triggers.cron import CronUnfit, Schedule, check, due, fires_at, times_after

TRIGGER = UUID(int=7)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def berlin(expression, **more):
    return Schedule(expression, "Europe/Berlin", **more)


def first(schedule, after, count):
    times = islice(times_after(schedule, at(after)), count)
    return [time.strftime("%d %H:%M") for time in times]


def test_a_time_that_daylight_saving_skips_comes_right_after_the_gap():
    # On 29 March 2026 it is 03:00 in Berlin right after 01:59, which is 01:00 UTC.
    assert first(berlin("30 2 * * *"), "2026-03-28T00:00", 3) == [
        "28 01:30",
        "29 01:00",
        "30 00:30",
    ]


def test_a_time_that_comes_twice_fires_once():
    # On 25 October 2026, 02:30 is at 00:30 and at 01:30 UTC.
    assert first(berlin("30 2 * * *"), "2026-10-24T12:00", 2) == ["25 00:30", "26 01:30"]


def test_hourly_ones_follow_the_hours_as_they_pass():
    assert first(berlin("0 * * * *"), "2026-10-24T23:30", 4) == [
        "25 00:00",
        "25 01:00",
        "25 02:00",
        "25 03:00",
    ]
    assert first(berlin("0 * * * *"), "2026-03-28T23:30", 3) == [
        "29 00:00",
        "29 01:00",
        "29 02:00",
    ]


def due_texts(schedule, since, moment):
    found = due(schedule, TRIGGER, at(since), at(moment))
    return [time.strftime("%d %H:%M") for time in found.times], found.next


@pytest.mark.parametrize(
    ("catch_up", "expected"),
    [
        ("skip", []),
        ("last", ["25 00:30"]),
        ("all", ["24 00:30", "25 00:30"]),
    ],
)
def test_what_was_missed_over_the_doubled_hour_is_made_up_for_as_wanted(catch_up, expected):
    schedule = berlin("30 2 * * *", catch_up=catch_up)
    times, following = due_texts(schedule, "2026-10-24T00:30", "2026-10-25T12:00")
    assert times == expected
    assert following == at("2026-10-26T01:30")


def test_a_long_downtime_is_made_up_for_within_bounds_and_at_once():
    schedule = Schedule("* * * * *", "UTC", catch_up="all")
    found = due(schedule, TRIGGER, at("2016-01-01T00:00"), at("2026-01-01T00:00"))
    assert len(found.times) == 100
    assert found.times[0] == at("2025-12-31T22:21")
    assert (found.times[-1], found.next) == (at("2026-01-01T00:00"), at("2026-01-01T00:01"))


def test_what_is_in_time_is_fired_by_those_that_make_up_for_nothing():
    schedule = Schedule("*/5 * * * *", "UTC", catch_up="skip")
    times, following = due_texts(schedule, "2026-01-01T10:00", "2026-01-01T10:00:03")
    assert (times, following) == (["01 10:00"], at("2026-01-01T10:05"))


@pytest.mark.parametrize(
    ("catch_up", "until", "expected"),
    [
        ("skip", "10:05", ["01 10:00"]),
        ("skip", "10:06", []),
        ("last", "10:06", ["01 10:00"]),
        ("all", "10:05", ["01 09:59", "01 10:00"]),
    ],
)
def test_of_times_that_are_a_little_late_the_latest_counts(catch_up, until, expected):
    schedule = Schedule("59,0 9,10 * * *", "UTC", catch_up=catch_up)
    times, _ = due_texts(schedule, "2026-01-01T09:30", f"2026-01-01T{until}")
    assert times == expected


def test_jitter_is_the_same_for_all_processes_and_nothing_fires_before_it():
    schedule = Schedule("0 10 * * *", "UTC", jitter=600)
    time = at("2026-01-01T10:00")
    fires = fires_at(schedule, TRIGGER, time)
    assert fires == fires_at(schedule, TRIGGER, time)
    assert timedelta() < fires - time < timedelta(seconds=600)
    others = {fires_at(schedule, UUID(int=n), time) for n in range(20)}
    assert len(others) == 20
    before = due(schedule, TRIGGER, time, fires - timedelta(seconds=1))
    assert before.times == ()
    assert due(schedule, TRIGGER, time, fires).times == (time,)


def test_a_jitter_longer_than_the_interval_leaves_no_time_out():
    schedule = Schedule("*/5 * * * *", "UTC", jitter=3600)
    time, fired = at("2026-01-01T10:00"), []
    for _ in range(20):
        found = due(schedule, TRIGGER, time, fires_at(schedule, TRIGGER, time))
        fired += found.times
        time = found.next
    assert fired == [at("2026-01-01T10:00") + timedelta(minutes=5 * n) for n in range(20)]


@pytest.mark.parametrize(
    ("expression", "zone"),
    [
        ("61 * * * *", "UTC"),
        ("* * * *", "UTC"),
        ("* * * * * *", "UTC"),
        ("@daily", "UTC"),
        ("0 0 30 2 *", "UTC"),
        ("0 0 * * *", "Europe/Atlantis"),
        ("0 0 * * *", "../../etc/passwd"),
        ("0 0 * * *", ""),
    ],
)
def test_what_has_no_times_is_refused(expression, zone):
    with pytest.raises(CronUnfit):
        check(Schedule(expression, zone))
