"""A run's own budget holds for every call in it, and a pause over it can be resumed."""

from decimal import Decimal

import pytest

from tests.support.fakes.base import Said, say

# At what gpt-4o costs ($2.50 and $10 a million tokens), 1.25 cents.
USAGE = {"prompt_tokens": 1000, "completion_tokens": 1000, "total_tokens": 2000}


@pytest.fixture
def dear(agency):
    """Answers that cost 1.25 cents each."""

    def dear(text="", *calls):
        made = tuple((f"call_{len(agency.fake.script)}_{n}", *each) for n, each in enumerate(calls))
        agency.fake.will(say(Said((text,) if text else (), calls=made, usage=USAGE)))

    return dear


async def _until_paused(agency, dear):
    agency.bench.add("look", answer="seen")
    agent = await agency.make(
        tools=[{"tool": "test:look"}],
        parameters={"max_output_tokens": 1000},
        limits={"budget_usd": "0.02"},
    )
    dear("", ("look", {"q": "a"}))
    run = await agency.run(agent)
    assert run["status"] == "paused"
    return run


async def test_a_run_pauses_where_its_budget_ends_and_goes_on_with_more(agency, dear):
    run = await _until_paused(agency, dear)
    assert Decimal(run["cost_usd"]) == Decimal("0.0125")
    asked = len(agency.fake.requests)
    path = f"/v1/runs/{run['id']}/resume"
    dear("Done.")
    answer = await agency.talker.call("POST", path, json={"budget_usd": "0.05"})
    assert answer.status_code == 202, answer.text
    ended = await agency.ended(run["id"])
    assert (ended["status"], ended["text"]) == ("completed", "Done.")
    assert Decimal(ended["cost_usd"]) == Decimal("0.025")
    assert len(agency.fake.requests) == asked + 1
    [paused] = [e for e in (await agency.events(run["id"])).events if e["type"] == "run.paused"]
    assert paused["reason"] == "budget"
    assert paused["error"]["code"] == "budget_exceeded"


async def test_resumed_without_more_it_pauses_again(agency, dear):
    run = await _until_paused(agency, dear)
    path = f"/v1/runs/{run['id']}"
    await agency.talker.call("POST", f"{path}/resume", json={})
    types: list[str] = []
    while types.count("run.paused") < 2:
        streamed = await agency.talker.stream("GET", f"{path}/events", most=len(types) + 1)
        types = streamed.types
    assert types.count("run.resumed") == 1
    await agency.talker.call("POST", f"{path}/cancel")
    assert (await agency.ended(run["id"]))["status"] == "cancelled"


async def test_delegated_work_is_paid_from_the_same_budget(agency, dear):
    worker = await agency.make("Worker", parameters={"max_output_tokens": 1000})
    agent = await agency.make(
        "Chief",
        agents=[worker["slug"]],
        parameters={"max_output_tokens": 1000},
        limits={"budget_usd": "0.02"},
    )
    dear("", (f"ask_{worker['slug']}".replace("-", "_"), {"task": "Do it."}))
    run = await agency.run(agent)
    assert run["status"] == "paused"
    dear("Worker: done.")
    dear("Chief: done.")
    path = f"/v1/runs/{run['id']}/resume"
    await agency.talker.call("POST", path, json={"budget_usd": "1"})
    ended = await agency.ended(run["id"])
    assert ended["text"] == "Chief: done."
    assert Decimal(ended["cost_usd"]) == Decimal("0.0375")


async def test_what_does_not_wait_cannot_be_resumed(agency):
    agent = await agency.make()
    agency.says("Done.")
    run = await agency.run(agent)
    answer = await agency.talker.call("POST", f"/v1/runs/{run['id']}/resume", json={})
    assert (answer.status_code, answer.json()["code"]) == (409, "run_not_paused")


async def test_tokens_and_time_are_capped(agency, dear):
    agency.bench.add("look", answer="seen")
    agent = await agency.make(tools=[{"tool": "test:look"}], limits={"tokens": 1500})
    dear("", ("look", {"q": "a"}))
    run = await agency.run(agent)
    assert run["error"]["code"] == "agent_limit_reached"
    assert "1500 tokens" in run["error"]["detail"]
