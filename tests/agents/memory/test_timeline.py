"""Timelines against days that are cells, for all that can be told."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.agents.memory.timeline import Period, holds, restored, stored, told, without
from tests.agents.memory.conftest import day
from tests.agents.memory.reference import DAYS, Timeline

tellings = st.lists(
    st.tuples(st.integers(0, DAYS - 2), st.none() | st.integers(1, DAYS)).filter(
        lambda span: span[1] is None or span[0] < span[1]
    ),
    max_size=12,
)


@given(tellings)
def test_whoever_tells_what_each_day_belongs_to_who_told_of_it_last(spans):
    reference, held = Timeline(), {}
    for name, (start, end) in enumerate(spans):
        mine, changed = told(held, day(start), None if end is None else day(end))
        held |= changed
        held[name] = mine
        reference.tell(name, start, end)
        for at in range(DAYS):
            holders = [each for each, periods in held.items() if holds(periods, day(at))]
            assert holders == ([] if reference.cells[at] is None else [reference.cells[at]])


@given(tellings, tellings)
def test_what_is_left_of_a_time_is_what_was_not_taken(mine, taken):
    def periods(spans):
        return tuple(Period(day(start), end and day(end)) for start, end in spans)

    own = ()
    for each in periods(mine):
        own = (*without(own, (each,)), each)
    own = tuple(sorted(own, key=lambda period: period.start))
    left = without(own, periods(taken))
    for at in range(DAYS):
        expected = holds(own, day(at)) and not holds(periods(taken), day(at))
        assert holds(left, day(at)) is expected
    assert all(a.end is not None and a.end <= b.start for a, b in pairwise(left))
    assert restored(stored(left)) == left
