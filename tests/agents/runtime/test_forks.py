"""A run done again from a step on: what came before is taken over."""

from sqlalchemy import text

from app.core.db import SYSTEM


async def _ran(agency):
    look = agency.bench.add("look", answer="seen")
    agent = await agency.make(tools=[{"tool": "test:look"}])
    agency.calls(("look", {"q": "a"}))
    agency.calls(("look", {"q": "b"}))
    agency.says("First.")
    run = await agency.run(agent)
    assert run["text"] == "First."
    return look, run


async def test_a_run_is_retried_from_a_step(agency):
    look, run = await _ran(agency)
    agency.says("Second.")
    asked = len(agency.fake.requests)
    path = f"/v1/runs/{run['id']}/retry"
    answer = await agency.talker.call("POST", path, json={"from_step": 3})
    assert answer.status_code == 202, answer.text
    again = await agency.ended(answer.json()["id"])
    assert (again["text"], again["forked_from_id"], again["forked_at"]) == (
        "Second.", run["id"], 3,
    )  # fmt: skip
    assert (len(look.calls), len(agency.fake.requests)) == (2, asked + 1)
    assert (again["steps"], again["tool_calls"]) == (1, 0)
    steps = await agency.steps(again["id"])
    assert [each["copied"] for each in steps] == [True, True, True, True, False]


async def test_a_run_that_is_retried_has_the_instructions_of_the_day_it_began(agency, kernel):
    agency.says("First.")
    run = await agency.run(await agency.make(instructions="It is {{ today }}."))
    assert "It is 20" in str(agency.fake.last.body["messages"][0])
    async with kernel.database.unit(SYSTEM) as session:  # a while ago
        await session.execute(
            text("update executions set instructions = 'It is 1999-12-31.' where id = :id"),
            {"id": run["id"]},
        )
    agency.says("Second.")
    path = f"/v1/runs/{run['id']}/retry"
    answer = await agency.talker.call("POST", path, json={"from_step": 1})
    assert (await agency.ended(answer.json()["id"]))["text"] == "Second."
    assert "It is 1999-12-31." in str(agency.fake.last.body["messages"][0])


async def test_a_run_is_forked_with_another_model(agency):
    look, run = await _ran(agency)
    agency.says("By another.")
    model = agency.model.replace("gpt-4o", "gpt-4o-mini")
    path = f"/v1/runs/{run['id']}/fork"
    answer = await agency.talker.call("POST", path, json={"from_step": 2, "model": model})
    again = await agency.ended(answer.json()["id"])
    assert again["text"] == "By another."
    assert agency.fake.last.body["model"] == "gpt-4o-mini"
    assert len(look.calls) == 2


async def test_only_steps_that_there_are(agency):
    _, run = await _ran(agency)
    path = f"/v1/runs/{run['id']}/retry"
    answer = await agency.talker.call("POST", path, json={"from_step": 9})
    assert (answer.status_code, answer.json()["code"]) == (422, "step_unknown")
