"""The limiter's script decides as a plain model of its promise does."""

import asyncio
import math
import socket
from uuid import uuid4

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.kernel import connect_valkey
from app.core.limiter import BUCKETS, DECIDE, Limiter
from app.core.limits import (
    MAX_PER_SECOND,
    Limit,
    LimiterUnavailable,
    Policy,
    parse_limit,
)
from app.core.metrics import LIMITER_FAIL_OPENS
from app.core.scripts import BatchedScript

SECOND = 1_000_000


@pytest_asyncio.fixture(loop_scope="session")
async def valkey(stores):
    client = connect_valkey(stores[1])
    yield client
    await client.aclose()


@pytest.fixture
def limiter(valkey):
    return Limiter(valkey)


class Model:
    """What the module promises, in a dictionary: when each bucket will be full again."""

    def __init__(self):
        self.full_at = {}

    def decide(self, policies, at):
        lacks = [max(self.full_at.get(p.key, 0) - at, 0) for p in policies]
        shorts = [
            max(lack - p.limit.microseconds_each * (p.limit.requests - 1), 0)
            for p, lack in zip(policies, lacks, strict=True)
        ]
        taken = not any(shorts)
        seen = []
        for policy, lack, short in zip(policies, lacks, shorts, strict=True):
            each = policy.limit.microseconds_each
            after = lack + each if taken else lack
            if taken:
                self.full_at[policy.key] = at + after
            left = (each * policy.limit.requests - after) // each
            seen.append((short > 0, left, after, short))
        return seen


LIMITS = st.builds(
    Limit, st.sampled_from("abc"), st.integers(1, 7), st.sampled_from([1, 2, 10, 3600])
)
STEPS = st.lists(
    st.tuples(
        st.integers(0, 3 * SECOND),
        st.lists(st.tuples(st.integers(0, 3), st.sampled_from("xy")), min_size=1, max_size=4),
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=150)
@given(limits=st.lists(LIMITS, min_size=4, max_size=4), steps=STEPS)
def test_the_script_and_the_model_agree(limits, steps, stores):
    async def play():
        client = connect_valkey(stores[1])
        limiter, model, run = Limiter(client), Model(), uuid4().hex
        # Buckets that outlast the test's own clock, which is not the store's.
        kept = BUCKETS.replace("'PX', milliseconds", "'PX', 600000")
        assert kept != BUCKETS
        limiter._script = BatchedScript(client, kept + DECIDE, timeout_seconds=20)
        at = int((await client.time())[0]) * SECOND
        for passed, wanted in steps:
            at += passed
            policies = list({Policy(limits[n], f"{run}:{who}") for n, who in wanted})
            verdict = await limiter.decide(policies, at=at)
            expected = model.decide(policies, at)
            for standing, (refused, left, full, short) in zip(
                verdict.standings, expected, strict=True
            ):
                assert standing.refused == refused
                assert standing.left == left
                assert standing.reset_seconds == pytest.approx(full / SECOND)
                assert standing.retry_seconds == pytest.approx(short / SECOND)
        await client.aclose()

    asyncio.run(play())


@settings(max_examples=50)
@given(
    limit=st.builds(Limit, st.just("a"), st.integers(1, 5), st.integers(1, 4)),
    gaps=st.lists(st.integers(0, 2 * SECOND), min_size=1, max_size=60),
)
def test_no_stretch_of_time_sees_more_than_is_promised(limit, gaps):
    model, at, passed = Model(), 10**15, []
    for gap in gaps:
        at += gap
        if not model.decide([Policy(limit, "s")], at)[0][0]:
            passed.append(at)
    for first in range(len(passed)):
        for last in range(first, len(passed)):
            stretch = passed[last] - passed[first]
            assert last - first + 1 <= limit.requests + stretch / limit.microseconds_each


async def test_of_200_requests_at_once_on_a_limit_of_50_exactly_50_pass(limiter):
    policies = [
        Policy(Limit("user", 50, 3600), uuid4().hex),
        Policy(Limit("workspace", 1000, 3600), uuid4().hex),
    ]
    verdicts = await asyncio.gather(*(limiter.decide(policies) for _ in range(200)))
    assert sum(not verdict.refused for verdict in verdicts) == 50
    after = await limiter.decide(policies)
    assert [standing.left for standing in after.standings] == [0, 950]


async def test_a_refused_request_takes_nothing_from_the_other_policies(limiter):
    narrow = Policy(Limit("key", 1, 3600), uuid4().hex)
    wide = Policy(Limit("user", 10, 3600), uuid4().hex)
    await limiter.decide([narrow, wide])
    for _ in range(5):
        verdict = await limiter.decide([narrow, wide])
        assert [standing.refused for standing in verdict.standings] == [True, False]
        assert verdict.standings[1].left == 9


async def test_many_policies_are_one_round_trip(limiter, valkey):
    async def scripts_run():
        stats = await valkey.info("commandstats")
        names = ("cmdstat_evalsha", "cmdstat_eval", "cmdstat_script|load")
        return sum(stats.get(name, {"calls": 0})["calls"] for name in names)

    await limiter.decide([Policy(Limit("warm", 5, 60), uuid4().hex)])
    run = []
    for _ in range(40):
        before = await scripts_run()
        await limiter.decide([Policy(Limit(f"p{n}", 5, 60), uuid4().hex) for n in range(6)])
        run.append(await scripts_run() - before)
    assert min(run) == 1  # the count is the server's, and others use it meanwhile


async def test_buckets_go_by_themselves(limiter, valkey):
    policy = Policy(Limit("user", 5, 60), uuid4().hex)
    for _ in range(5):
        await limiter.decide([policy])
        assert 0 < await valkey.pttl(policy.key) <= 60_001


async def test_a_clock_that_was_set_back_locks_nobody_out(limiter):
    policy = Policy(Limit("user", 2, 10), uuid4().hex)
    later = 10**15 + 3600 * SECOND
    await limiter.decide([policy], at=later)
    verdict = await limiter.decide([policy], at=10**15)
    assert verdict.standings[0].reset_seconds <= 10


async def test_the_script_is_sent_again_after_valkey_forgot_it(limiter, valkey):
    policy = Policy(Limit("user", 5, 60), uuid4().hex)
    await limiter.decide([policy])
    await valkey.script_flush()
    assert (await limiter.decide([policy])).standings[0].left == 3


@pytest.fixture
def nobody():
    """An address where nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield connect_valkey(f"redis://127.0.0.1:{taken.getsockname()[1]}/0")


async def test_without_valkey_a_call_is_served_and_counted_as_such(nobody):
    before = LIMITER_FAIL_OPENS._value.get()
    verdict = await Limiter(nobody).decide([Policy(Limit("user", 1, 60), "x")])
    assert not verdict.refused
    assert verdict.standings == ()
    assert LIMITER_FAIL_OPENS._value.get() == before + 1


async def test_without_valkey_a_closed_call_is_refused(nobody):
    before = LIMITER_FAIL_OPENS._value.get()
    with pytest.raises(LimiterUnavailable) as refused:
        await Limiter(nobody).decide([Policy(Limit("user", 1, 60), "x")], closed=True)
    assert refused.value.retry_after
    assert LIMITER_FAIL_OPENS._value.get() == before


async def test_a_valkey_that_hangs_is_not_waited_for():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        valkey = connect_valkey(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        limiter = Limiter(valkey, timeout_seconds=0.2)
        async with asyncio.timeout(20):
            verdict = await limiter.decide([Policy(Limit("user", 1, 60), "x")])
        await valkey.aclose()
    assert verdict.standings == ()


@pytest.mark.parametrize("text", ["600/60", "1/1", "1000000/86400"])
def test_a_limit_is_read(text):
    limit = parse_limit("user", text)
    assert f"{limit.requests}/{limit.seconds}" == text
    assert limit.microseconds_each * limit.requests <= limit.seconds * SECOND
    assert math.isclose(
        limit.microseconds_each, limit.seconds * SECOND / limit.requests, rel_tol=0.1
    )


def test_off_is_no_limit():
    assert parse_limit("user", "off") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "600",
        "0/60",
        "600/0",
        "-1/60",
        "6.5/60",
        "1e3/60",
        "٣/60",
        "60/86401",
        f"{MAX_PER_SECOND + 1}/1",
    ],
)
def test_what_is_no_limit_is_refused(text):
    with pytest.raises(ValueError, match=r"write|a limit"):
        parse_limit("user", text)
