"""Where days and months begin and end, in any time zone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.inference.budgets.windows import window_at

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe",
         "America/Sao_Paulo", "Pacific/Apia", "Asia/Beirut")  # fmt: skip
# 2005 to 2040, to the second.
moments = st.integers(1_104_537_600, 2_208_988_800).map(lambda at: datetime.fromtimestamp(at, UTC))


@given(moments, st.sampled_from(["day", "month"]), st.sampled_from(ZONES))
def test_every_moment_is_in_one_window_and_the_next_begins_where_it_ends(at, kind, zone):
    window = window_at(kind, zone, at)
    assert window.start is not None
    assert window.end is not None
    assert window.start <= at < window.end
    assert window_at(kind, zone, window.start) == window
    assert window_at(kind, zone, window.end - timedelta(microseconds=1)) == window
    after = window_at(kind, zone, window.end)
    assert after.start == window.end
    assert after.name > window.name


@given(moments, st.sampled_from(ZONES))
def test_a_window_is_named_after_the_local_date(at, zone):
    local = at.astimezone(ZoneInfo(zone))
    assert window_at("day", zone, at).name.partition("@")[0] == f"{local:%Y-%m-%d}"
    assert window_at("month", zone, at).name.partition("@")[0] == f"{local:%Y-%m}"


@pytest.mark.parametrize(
    ("day", "hours"), [((2026, 3, 29), 23), ((2026, 10, 25), 25), ((2026, 7, 1), 24)]
)
def test_a_day_is_as_long_as_the_clocks_make_it(day, hours):
    window = window_at("day", "Europe/Berlin", datetime(*day, 12, tzinfo=UTC))
    assert window.start is not None
    assert window.end is not None
    assert window.end - window.start == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("at", "start", "end"),
    [
        ((2026, 1, 31, 23, 59), (2026, 1, 1), (2026, 2, 1)),
        ((2028, 2, 29), (2028, 2, 1), (2028, 3, 1)),
        ((2026, 12, 31, 23, 59), (2026, 12, 1), (2027, 1, 1)),
    ],
)
def test_a_month_ends_where_the_next_one_begins(at, start, end):
    window = window_at("month", "UTC", datetime(*at, tzinfo=UTC))
    assert (window.start, window.end) == (
        datetime(*start, tzinfo=UTC),
        datetime(*end, tzinfo=UTC),
    )


def test_a_total_has_no_end():
    window = window_at("total", "UTC", datetime(2026, 1, 1, tzinfo=UTC))
    assert window.holds(datetime(2100, 1, 1, tzinfo=UTC))
    assert window.holds(datetime(1970, 1, 1, tzinfo=UTC))
