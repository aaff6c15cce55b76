"""Who is asked after a failure."""

from dataclasses import replace

import pytest

from app.inference.calls.turning import Turning
from app.inference.providers.errors import ProviderInterrupted
from app.inference.routing.plan import Candidate, Failover, Plan
from tests.inference.calls.test_headers import ENDPOINT, Target

CUT = ProviderInterrupted("OpenAI")
FIRST, SECOND = (
    Candidate(Target(replace(ENDPOINT, slug=slug), slug)) for slug in ("first", "second")
)


@pytest.fixture
def turning():
    turning = Turning(Plan((FIRST, SECOND), failover=Failover(retries=1)), 2)
    turning.asked(FIRST)
    return turning


def test_before_the_first_token_the_same_candidate_is_tried_again(turning):
    assert turning.after(FIRST, CUT).candidates == (FIRST, SECOND)


def test_a_broken_stream_goes_to_the_next_one_and_back_only_when_no_other_is_left(turning):
    turn = turning.after(FIRST, CUT, in_stream=True)
    assert (turn.wait, turn.candidates) == (0, (SECOND, FIRST))
    turning.asked(SECOND)
    assert turning.after(SECOND, CUT, in_stream=True).candidates == (FIRST, SECOND)
    turning.asked(FIRST)
    assert turning.after(FIRST, CUT, in_stream=True).candidates == (SECOND,)


def test_a_broken_stream_whose_candidate_is_alone_goes_on_with_it():
    turning = Turning(Plan((FIRST,), failover=Failover(retries=1)), 2)
    turning.asked(FIRST)
    assert turning.after(FIRST, CUT, in_stream=True).candidates == (FIRST,)
    turning.asked(FIRST)
    assert turning.after(FIRST, CUT, in_stream=True) is None
