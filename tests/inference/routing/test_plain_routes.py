"""A route whose order says it all is planned once, for as long as nothing changes."""

import pytest

from app.core.auth import KeyRules


def must_not_be_read():
    raise AssertionError("Nobody needs to look into the request.")


async def test_one_plan_serves_all_requests_that_it_has_room_for(planner):
    await planner.route("own", "demo/second", "demo/first")
    one = await planner.plan("own", input_tokens=5000, max_output_tokens=10, text="Hello")
    other = await planner.plan("own", input_tokens=10, reading=must_not_be_read)
    assert one is other
    assert [each.target.model for each in one.candidates] == ["second", "first"]


async def test_a_change_of_the_route_makes_another_plan(planner):
    route = await planner.route("own", "demo/second", "demo/first")
    assert await planner.asked("own") == ["demo/second", "demo/first"]
    await planner.change(route, candidates=[{"model": "demo/first"}])
    assert await planner.asked("own") == ["demo/first"]


async def test_a_key_that_may_not_use_all_of_them_has_a_plan_of_its_own(planner):
    await planner.route("own", "demo/second", "demo/first")
    bound = KeyRules(models=("demo/first",))
    assert await planner.asked("own") == ["demo/second", "demo/first"]
    assert await planner.asked("own", rules=bound) == ["demo/first"]
    assert await planner.asked("own") == ["demo/second", "demo/first"]


async def test_a_request_that_is_too_long_for_some_has_a_plan_of_its_own(planner):
    short = {"name": "short", "context_window": 100}
    long = {"name": "long", "context_window": 100_000}
    await planner.connect("openai", "vendor", short, long)
    await planner.route("own", "vendor/short", "vendor/long")
    assert await planner.asked("own", input_tokens=10) == ["vendor/short", "vendor/long"]
    assert await planner.asked("own", input_tokens=1000) == ["vendor/long"]
    assert await planner.asked("own", input_tokens=10) == ["vendor/short", "vendor/long"]


@pytest.mark.parametrize(
    "body",
    [
        {"strategy": "weighted"},
        {"strategy": "adaptive"},
        {"strategy": "ordered", "sticky": True},
        {"strategy": "ordered", "constraints": {"max_cost": "1"}},
    ],
)
async def test_any_other_route_looks_at_each_request(planner, body):
    await planner.route("own", "demo/first", "demo/second", **body)
    read = []

    def reading():
        read.append(True)
        return "conversation", "Hello"

    first = await planner.plan("own", reading=reading)
    assert await planner.plan("own") is not first
    assert read == [True]
