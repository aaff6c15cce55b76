"""What an explanation says of each candidate."""

from datetime import datetime
from uuid import UUID

import pytest

from app.core.clock import now
from app.inference.gate.call import Load, Settlement
from app.inference.providers.errors import ProviderUnreachable
from app.inference.routing.board import Outcome
from app.inference.usage.payer import Payer
from tests.inference.routing.conftest import planner

__all__ = ["planner"]


def codes(told):
    return {one["model"]: one["code"] for one in (*told["candidates"], *told["passed"])}


async def fail(app, planner, plan, times=6):
    """Have the first candidate of a plan fail at the gate, until its breaker opens."""
    gate, person = app.state.inference.gate, planner.talker.person
    payer = Payer(planner.workspace_id, UUID(person.user_id), "gateway")
    error = ProviderUnreachable("demo")
    for _ in range(times):
        admission = await gate.admit(payer, None, (), plan.candidates[:1], Load(10))
        gate.settle(admission.call, Settlement("failed", error=error))
        await gate.flush()


async def test_it_says_who_is_taken_and_why_each_other_one_is_not(planner):
    await planner.connect("openai", "one", "gpt-4o", "gpt-4o-mini", "gpt-3.5-turbo")
    await planner.route(
        "r", "one/gpt-4o", "one/gpt-4o-mini", "one/gpt-3.5-turbo", "one/gone*", "nowhere",
        strategy="lowest_cost",
    )  # fmt: skip
    told = await planner.explain(
        "r", text="What is this?", needs=["vision"], max_output_tokens=100, model="one/other"
    )
    assert told["taken"] == "one/gpt-4o-mini"
    assert codes(told) == {
        "one/gpt-4o-mini": "taken",
        "one/gpt-4o": "lower_score",
        "one/gpt-3.5-turbo": "capability_missing",
        "nowhere": "model_unknown",
        "one/other": "not_in_route",
    }
    dear = told["candidates"][1]
    assert "expected; the first one: $" in dear["reason"]
    assert float(dear["expected_cost_usd"]) > float(told["candidates"][0]["expected_cost_usd"])


async def test_it_speaks_of_what_the_gateway_would_do(planner):
    await planner.route("r", "demo/a", "demo/b", "demo/c", strategy="sticky")
    conversation = "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"
    told = await planner.explain("r", text="Hello", conversation_id=conversation)
    assert [one["model"] for one in told["candidates"]] == await planner.asked(
        "r", sticky=conversation
    )


async def test_an_open_breaker_is_told_with_its_next_probe(planner, app):
    route = await planner.route("r", "demo/a", "demo/b")
    await fail(app, planner, await planner.plan("r"), times=5)
    told = await planner.explain(route["id"], text="Hello")
    assert told["taken"] == "demo/b"
    shut, taken = told["candidates"]
    assert (shut["code"], taken["code"]) == ("breaker_open", "taken")
    assert shut["breaker"]["state"] == "open"
    assert datetime.fromisoformat(shut["breaker"]["next_probe_at"]) > now()
    assert "asked again at" in shut["reason"]


async def test_explaining_counts_nothing(planner):
    route = await planner.route("r", "demo/a", "demo/b", strategy="adaptive")
    planner.router.learner.take()
    for _ in range(5):
        await planner.explain("r", text="Write a poem.")
    assert planner.router.learner.take() == {}
    shown = await planner.talker.call("GET", f"/v1/routes/{route['id']}/learning")
    assert shown.json()["arms"] == []


async def test_an_adaptive_route_tells_the_category_and_its_numbers(planner):
    await planner.route("r", "demo/a", "demo/b", strategy="adaptive")
    for _ in range(30):
        plan = await planner.plan("r", text="Write a poem.")
        for one in plan.candidates:
            ok = one.target.model == "b"
            planner.router.observe(planner.workspace_id, plan, one, Outcome(ok=ok))
    told = await planner.explain("r", messages=[{"role": "user", "content": "Write a poem."}])
    assert told["taken"] == "demo/b"
    assert told["category"]["name"] == "creative"
    assert told["category"]["features"][0]["name"] == "it asks for something invented"
    assert "mean reward" in told["candidates"][1]["reason"]


async def test_weights_are_told_as_shares(planner):
    candidates = ({"model": "demo/a", "weight": 1}, {"model": "demo/b", "weight": 3})
    await planner.route("r", *candidates, strategy="weighted")
    for _ in range(5):
        told = await planner.explain("r", text="Hello")
        assert told["taken"] == "demo/b"
        assert "75%" in told["candidates"][0]["reason"]


@pytest.mark.parametrize("name", ["auto", "fast", "cheap"])
async def test_built_in_routes_can_be_asked_by_name(planner, name):
    told = await planner.explain(name, text="Hello")
    assert told["route"] == name
    assert told["route_id"] is None
    assert told["taken"].startswith("demo/")


async def test_what_a_key_may_not_use_is_told_to_that_key(planner):
    route = await planner.route("r", "demo/a", "demo/b")
    made = await planner.talker.call(
        "POST",
        "/v1/api-keys",
        json={"name": "narrow", "scopes": ["routes:read"], "models": ["demo/b"]},
    )
    answer = await planner.talker.http.post(
        f"/v1/routes/{route['id']}/explain",
        json={"text": "Hello"},
        headers={"Authorization": f"Bearer {made.json()['key']}"},
    )
    assert codes(answer.json()) == {"demo/a": "not_allowed", "demo/b": "taken"}


async def test_every_strategy_can_be_explained(planner):
    strategies = (
        "ordered", "weighted", "least_busy", "lowest_latency", "lowest_cost",
        "quality_within_price", "capability", "sticky", "adaptive",
    )  # fmt: skip
    route = await planner.route("r", "demo/a", "demo/b")
    for strategy in strategies:
        await planner.change(route, strategy=strategy)
        told = await planner.explain("r", text="Hello")
        assert [one["code"] for one in told["candidates"]] == ["taken", "lower_score"]
        assert all(one["reason"] for one in told["candidates"])


async def test_an_unknown_route_is_not_found(planner):
    answer = await planner.talker.call("POST", "/v1/routes/nope/explain", json={"text": "Hello"})
    assert (answer.status_code, answer.json()["code"]) == (404, "route_not_found")


async def test_messages_and_text_together_are_refused(planner):
    body = {"text": "Hello", "messages": [{"role": "user", "content": "Hello"}]}
    answer = await planner.talker.call("POST", "/v1/routes/auto/explain", json=body)
    assert answer.status_code == 422
