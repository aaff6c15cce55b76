"""Moments, zones and how far they are apart."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from app.agents.tools.local import date_time
from app.agents.tools.local.date_time import DateTime
from app.agents.tools.tool import ToolContext, ToolFault
from app.core.auth import Access

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def asked(**arguments):
    access = Access(uuid4(), uuid4(), frozenset(), "session", uuid4())
    tool = await DateTime().open(access, {})
    return (await tool.call(ToolContext(access, uuid4(), "1", "k"), arguments)).data


async def test_now_is_told_in_a_zone(monkeypatch):
    monkeypatch.setattr(date_time, "now", lambda: datetime(2026, 11, 22, 23, 30, tzinfo=UTC))

    told = await asked(zone="Asia/Tokyo")

    assert told["moment"] == "2026-11-23T08:30:00+09:00"
    assert (told["weekday"], told["iso_week"], told["zone"]) == ("Monday", "2026-W48-1", "JST")


@pytest.mark.parametrize(
    ("arguments", "moment"),
    [
        ({"moment": "2026-01-31", "add": {"months": 1}}, "2026-02-28T00:00:00+00:00"),
        ({"moment": "2024-02-29", "add": {"years": 1}}, "2025-02-28T00:00:00+00:00"),
        ({"moment": "2026-03-31", "add": {"months": -1}}, "2026-02-28T00:00:00+00:00"),
        ({"moment": "2026-12-15", "add": {"months": 13}}, "2028-01-15T00:00:00+00:00"),
        # The night in which clocks go forward: a day is a day on the wall, 24 hours are 24 hours.
        (
            {"moment": "2026-03-28T12:00", "zone": "Europe/Berlin", "add": {"days": 1}},
            "2026-03-29T12:00:00+02:00",
        ),
        (
            {"moment": "2026-03-28T12:00", "zone": "Europe/Berlin", "add": {"hours": 24}},
            "2026-03-29T13:00:00+02:00",
        ),
        (
            {"moment": "2026-07-01T09:00", "zone": "America/New_York", "to_zone": "Asia/Kolkata"},
            "2026-07-01T18:30:00+05:30",
        ),
        ({"moment": "2026-07-01T09:00+02:00", "zone": "UTC"}, "2026-07-01T09:00:00+02:00"),
    ],
)
async def test_it_reckons(arguments, moment):
    assert (await asked(**arguments))["moment"] == moment


async def test_how_far_two_moments_are_apart():
    told = await asked(moment="2026-11-20T10:00", until="2026-11-30T11:30:05")

    assert told["difference"] == {
        "until": "2026-11-30T11:30:05+00:00",
        "seconds": 869405,
        "words": "10 days 1 hour 30 minutes 5 seconds",
        "calendar_days": 10,
        "weekdays": 6,
    }


async def test_the_way_back_is_earlier():
    gap = (await asked(moment="2026-11-30", until="2026-11-20"))["difference"]

    assert (gap["seconds"], gap["words"], gap["weekdays"]) == (-864000, "10 days earlier", -6)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"zone": "Mars/Olympus"}, "unknown_zone"),
        ({"zone": "../../etc/passwd"}, "unknown_zone"),
        ({"zone": ""}, "unknown_zone"),
        ({"moment": "yesterday"}, "unreadable_moment"),
        ({"moment": "2026-02-30"}, "unreadable_moment"),
        ({"moment": "9999-12-31", "add": {"days": 1}}, "out_of_range"),
        ({"moment": "0001-01-01", "add": {"months": -1}}, "out_of_range"),
        ({"moment": "2026-01-01", "add": {"years": 1_000_000}}, "out_of_range"),
        ({"moment": "0001-01-01", "to_zone": "America/New_York"}, "out_of_range"),
    ],
)
async def test_what_cannot_be_reckoned_is_said(arguments, code):
    with pytest.raises(ToolFault) as fault:
        await asked(**arguments)

    assert fault.value.code == code
