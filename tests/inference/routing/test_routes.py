"""Routes as a client makes, changes and deletes them."""

from dataclasses import replace

import pytest

from app.core.auth import EVERYTHING
from app.inference.integrations.errors import ModelUnknown
from app.inference.routing.errors import ModelNotAllowed, NoCandidate

ALLOW_FIRST = replace(EVERYTHING, models=("demo/first*",))


async def test_a_route_answers_under_its_name_with_its_candidates_in_order(planner):
    made = await planner.route("support", "demo/first", "demo/second", name="Support")
    assert made["slug"] == "support"
    assert made["failover"]["retries"] == 1
    plan = await planner.plan("support")
    assert [one.target.reference for one in plan.candidates] == ["demo/first", "demo/second"]
    assert (plan.route, plan.route_id, plan.strategy) == ("support", made["id"], "ordered")


async def test_a_change_holds_for_the_next_request(planner):
    route = await planner.route("own", "demo/first")
    assert await planner.asked("own") == ["demo/first"]
    await planner.change(route, candidates=[{"model": "demo/second"}])
    assert await planner.asked("own") == ["demo/second"]
    await planner.talker.call("DELETE", f"/v1/routes/{route['id']}")
    with pytest.raises(ModelUnknown):
        await planner.plan("own")
    back = await planner.talker.call("POST", f"/v1/routes/{route['id']}/restore")
    assert back.status_code == 200
    assert await planner.asked("own") == ["demo/second"]


async def test_a_patch_reaches_into_the_objects_and_leaves_the_rest(planner):
    route = await planner.route(
        "own", "demo/first", strategy="adaptive", adaptive={"exploration": 0.3, "half_life": 50}
    )
    changed = await planner.change(
        route, adaptive={"frozen": True, "weights": {"cost": 3}}, failover={"retries": 0}
    )
    assert changed["adaptive"]["frozen"] is True
    assert changed["adaptive"]["exploration"] == 0.3
    assert changed["adaptive"]["weights"] == {
        "success": 1.0, "latency": 0.2, "cost": 3.0, "quality": 2.0,
    }  # fmt: skip
    assert changed["failover"]["most_attempts"] == 6
    assert changed["version"] == route["version"] + 1


async def test_two_routes_cannot_have_one_name(planner):
    await planner.route("own", "demo/first")
    again = await planner.talker.call(
        "POST", "/v1/routes", json={"slug": "own", "candidates": [{"model": "demo/first"}]}
    )
    assert (again.status_code, again.json()["code"]) == (409, "route_slug_taken")


@pytest.mark.parametrize(
    "body",
    [
        {"candidates": []},
        {"candidates": [{"model": "demo/first", "weight": 0}]},
        {"candidates": [{"model": "demo/first", "weight": -1}]},
        {"candidates": [{"model": "demo/first", "weight": True}]},
        {"candidates": [{"model": "demo/first"}], "strategy": "luck"},
        {"candidates": [{"model": "demo/first"}], "constraints": {"max_cost": "-1"}},
        {"candidates": [{"model": "demo/first"}], "failover": {"retries": 100}},
        {"candidates": [{"model": "demo/first"}] * 51},
    ],
)
async def test_what_makes_no_route_is_refused(planner, body):
    answer = await planner.talker.call("POST", "/v1/routes", json={"slug": "own", **body})
    assert answer.status_code == 422, answer.text


async def test_one_default_route_answers_where_nothing_is_named(planner):
    first = await planner.route("one", "demo/first", is_default=True)
    assert await planner.asked() == ["demo/first"]
    await planner.route("two", "demo/second", is_default=True)
    assert await planner.asked() == ["demo/second"]
    shown = (await planner.talker.call("GET", f"/v1/routes/{first['id']}")).json()
    assert shown["is_default"] is False


async def test_request_key_agent_and_workspace_name_a_route_in_that_order(planner):
    for name in ("header", "request", "key", "agent"):
        await planner.route(name, f"demo/{name}")
    await planner.route("workspace", "demo/workspace", is_default=True)
    rules = replace(EVERYTHING, route="key")
    given = {"rules": rules, "agent_route": "agent"}
    assert await planner.asked("request", route="header", **given) == ["demo/header"]
    assert await planner.asked("request", **given) == ["demo/request"]
    assert await planner.asked(None, **given) == ["demo/key"]
    assert await planner.asked(None, agent_route="agent") == ["demo/agent"]
    assert await planner.asked() == ["demo/workspace"]


async def test_a_named_model_is_the_only_candidate(planner):
    assert await planner.asked("demo/chat?tokens=3") == ["demo/chat?tokens=3"]


async def test_a_bare_name_fails_over_to_others_that_offer_exactly_it(planner):
    await planner.connect("openai", "one", "gpt-x", "gpt-y")
    await planner.connect("openai", "two", "gpt-x")
    assert await planner.asked("gpt-x") == ["one/gpt-x", "two/gpt-x"]
    assert await planner.asked("one/gpt-x") == ["one/gpt-x"]


async def test_a_pattern_stands_for_all_models_that_fit_it(planner):
    await planner.connect("openai", "one", "gpt-a", "gpt-b", "o9")
    await planner.route("own", "one/gpt-*")
    assert await planner.asked("own") == ["one/gpt-a", "one/gpt-b"]


async def test_a_key_may_use_only_the_models_it_names(planner):
    assert await planner.asked("demo/first", rules=ALLOW_FIRST) == ["demo/first"]
    assert await planner.asked("demo/first?delay_ms=0", rules=ALLOW_FIRST)
    with pytest.raises(ModelNotAllowed):
        await planner.plan("demo/second", ALLOW_FIRST)


async def test_what_a_key_may_not_use_is_left_out_of_a_route(planner):
    await planner.route("own", "demo/second", "demo/first")
    plan = await planner.plan("own", ALLOW_FIRST)
    assert [one.target.reference for one in plan.candidates] == ["demo/first"]
    assert [(one.reference, one.code) for one in plan.passed] == [("demo/second", "not_allowed")]
    named = replace(EVERYTHING, models=("own",))
    assert await planner.asked("own", rules=named) == ["demo/second", "demo/first"]
    with pytest.raises(ModelNotAllowed):
        await planner.plan("own", replace(EVERYTHING, models=("elsewhere/*",)))


async def test_what_a_customer_may_not_use_is_left_out_too(planner):
    answer = await planner.talker.call(
        "POST", "/v1/customers", json={"external_id": "c1", "models": ["demo/second"]}
    )
    assert answer.status_code == 201, answer.text
    await planner.route("own", "demo/first", "demo/second")
    assert await planner.asked("own", customer="c1") == ["demo/second"]
    assert await planner.asked("own", customer="someone else") == ["demo/first", "demo/second"]
    with pytest.raises(ModelNotAllowed):
        await planner.plan("own", ALLOW_FIRST, customer="c1")


async def test_the_constraints_of_a_route_keep_candidates_out(planner):
    await planner.connect("openai", "eu", "gpt-4o", "gpt-4", region="eu")
    await planner.connect("openai", "us", "gpt-4o", region="us")
    await planner.connect("openai_compatible", "own", "mystery", base_url="http://127.0.0.1:9/v1")
    models = ("eu/gpt-4", "us/gpt-4o", "own/mystery", "eu/gpt-4o")
    route = await planner.route("r", *models, constraints={"regions": ["eu"]})
    assert await passed(planner) == {
        "us/gpt-4o": "region_not_allowed", "own/mystery": "region_unknown",
    }  # fmt: skip
    await planner.change(route, constraints={"regions": None, "providers": ["openai_compatible"]})
    assert set((await passed(planner)).values()) == {"provider_not_allowed"}
    await planner.change(route, constraints={"providers": None, "max_output_price": "12"})
    assert await passed(planner) == {"eu/gpt-4": "over_price", "own/mystery": "price_unknown"}
    await planner.change(route, constraints={"max_output_price": None, "min_context": 100_000})
    assert await passed(planner) == {"eu/gpt-4": "context_too_small"}
    assert await planner.asked("r") == ["us/gpt-4o", "own/mystery", "eu/gpt-4o"]


async def passed(planner, name="r", **question):
    plan = await planner.plan(name, **question)
    return {one.reference: one.code for one in plan.passed}


async def test_only_what_can_do_what_is_needed_answers_and_the_unknown_comes_after(planner):
    await planner.connect("openai", "one", "gpt-3.5-turbo", "gpt-4o")
    await planner.connect("openai_compatible", "own", "mystery", base_url="http://127.0.0.1:9/v1")
    await planner.route("r", "own/mystery", "one/gpt-3.5-turbo", "one/gpt-4o")
    plan = await planner.plan("r", needs=frozenset({"vision"}))
    assert [one.target.reference for one in plan.candidates] == ["one/gpt-4o", "own/mystery"]
    assert [one.code for one in plan.passed] == ["capability_missing"]


async def test_what_is_too_long_goes_where_it_fits_or_to_those_for_an_overflow(planner):
    small, large = {"name": "small", "context_window": 1000}, {"name": "l", "context_window": 9000}
    await planner.connect(
        "openai_compatible", "own", small, large, base_url="http://127.0.0.1:9/v1"
    )
    await planner.route("r", "own/small", "own/l")
    assert await planner.asked("r", input_tokens=500) == ["own/small", "own/l"]
    assert await planner.asked("r", input_tokens=900, max_output_tokens=200) == ["own/l"]
    # The length is an estimate: the longest is tried before anyone is refused.
    assert await planner.asked("r", input_tokens=20_000) == ["own/l"]
    await planner.route("o", "own/small", on_overflow=[{"model": "own/l"}])
    plan = await planner.plan("o", input_tokens=10)
    assert [one.target.reference for one in plan.on_overflow] == ["own/l"]
    assert await planner.asked("o", input_tokens=5000) == ["own/l"]


async def test_a_route_without_a_candidate_says_why_of_each(planner):
    await planner.connect("openai", "one", "gpt-3.5-turbo")
    await planner.route("r", "one/gpt-3.5-turbo", "nowhere-to-be-found")
    with pytest.raises(NoCandidate) as raised:
        await planner.plan("r", needs=frozenset({"vision"}))
    told = {error.code for error in raised.value.errors}
    assert told == {"capability_missing", "model_unknown"}


async def test_a_limit_on_a_request_s_cost_is_by_that_request(planner):
    await planner.connect("openai", "one", "gpt-4", "gpt-4o-mini")
    await planner.route("r", "one/gpt-4", "one/gpt-4o-mini", constraints={"max_cost": "0.01"})
    assert await planner.asked("r", input_tokens=10, max_output_tokens=10) == [
        "one/gpt-4", "one/gpt-4o-mini",
    ]  # fmt: skip
    long = {"input_tokens": 3000, "max_output_tokens": 1000}
    assert await planner.asked("r", **long) == ["one/gpt-4o-mini"]


async def test_every_workspace_has_auto_fast_and_cheap(planner):
    assert (await planner.asked("auto"))[0] == "demo/chat"
    await planner.connect("openai", "one", "gpt-4", "gpt-5.5", "gpt-4o-mini", "whisper-1")
    auto = await planner.asked("auto")
    assert auto[0] == "one/gpt-5.5"
    assert "one/whisper-1" not in auto
    assert not any(one.startswith("demo/") for one in auto)
    assert await planner.asked("fast") == ["one/gpt-4o-mini"]
    assert (await planner.asked("cheap"))[0] == "one/gpt-4o-mini"


async def test_a_built_in_name_can_be_taken_by_an_own_route(planner):
    await planner.route("auto", "demo/mine")
    assert await planner.asked("auto") == ["demo/mine"]


async def test_a_built_in_route_finds_the_long_context_among_many_models(planner):
    many = [{"name": f"m{n}", "context_window": 8000} for n in range(300)]
    many.append({"name": "long", "context_window": 1_000_000})
    await planner.connect("openai_compatible", "own", *many, base_url="http://127.0.0.1:9/v1")
    assert len(await planner.asked("auto", input_tokens=10)) == 16
    assert await planner.asked("auto", input_tokens=200_000) == ["own/long"]
