"""An agent does what it is asked, over HTTP, with its provider at the other end of a socket."""

import asyncio

import pytest

from app.agents.tools.tool import Outcome, ToolFault, ToolTraits
from tests.support.chat import connected
from tests.support.fakes.anthropic import FakeAnthropic
from tests.support.fakes.base import status


def asking(agent):
    """The tool by which one agent gives work to another."""
    return f"ask_{agent['slug']}".replace("-", "_")


async def test_it_answers(agency):
    agent = await agency.make(instructions="You are brief.")
    agency.says("Four.")
    run = await agency.run(agent, "What is 2 + 2?")
    assert (run["status"], run["output"], run["text"]) == ("completed", "Four.", "Four.")
    assert (run["steps"], run["tool_calls"]) == (1, 0)
    messages = agency.fake.last.body["messages"]
    assert messages[0]["role"] == "system"
    assert messages[0]["content"].startswith("You are brief.")
    assert messages[1] == {"role": "user", "content": "What is 2 + 2?"}


@pytest.mark.parametrize("tools", [[], [{"tool": "test:look"}]])
async def test_a_step_names_the_model_that_answered(agency, tools):
    agency.bench.add("look", answer="It rains.")
    async with connected(agency.talker, FakeAnthropic()) as other:
        models = [agency.model, f"{other}/claude-sonnet-4-5"]
        body = {"slug": "pair", "candidates": [{"model": model} for model in models]}
        made = await agency.talker.call("POST", "/v1/routes", json=body)
        assert made.status_code == 201, made.text
        agent = await agency.make(model="pair", tools=tools)
        agency.fake.will(status(500))
        run = await agency.run(agent, "Hello")
    assert run["status"] == "completed", run["error"]
    assert [step["name"] for step in await agency.steps(run["id"])] == [models[1]]


async def test_it_calls_tools_and_goes_on_with_what_they_give(agency):
    look = agency.bench.add("look", answer="It rains.")
    agent = await agency.make(tools=[{"tool": "test:look"}])
    agency.calls(("look", {"q": "weather"}))
    agency.says("Take an umbrella.")
    streamed = await agency.stream(agent, "Do I need an umbrella?")
    assert look.calls[0][1] == {"q": "weather"}
    assert streamed.types == [
        "run.created",
        "run.started",
        "step.started",
        "message.created",
        "usage.updated",
        "step.completed",
        "tool.call",
        "tool.result",
        "step.started",
        "message.created",
        "text.delta",
        "usage.updated",
        "step.completed",
        "run.completed",
    ]
    shown = agency.fake.last.body["messages"]
    assert shown[-1]["role"] == "tool"
    assert shown[-1]["content"] == "It rains."
    run_id = streamed.events[0]["run_id"]
    steps = await agency.steps(run_id)
    assert [(each["kind"], each["number"]) for each in steps] == [
        ("model", 1),
        ("tool", 1),
        ("model", 2),
    ]
    assert all(each["ended_at"] for each in steps)


async def test_tools_of_one_step_are_called_side_by_side(agency):
    agency.bench.add("one", answer="1")
    agency.bench.add("two", answer="2")
    agent = await agency.make(tools=[{"tool": "test:one"}, {"tool": "test:two"}])
    agency.calls(("one", {"q": "a"}), ("two", {"q": "b"}), ("one", {"q": "c"}))
    agency.says("Done.")
    run = await agency.run(agent)
    assert (run["text"], run["tool_calls"]) == ("Done.", 3)
    shown = [m["content"] for m in agency.fake.last.body["messages"] if m["role"] == "tool"]
    assert shown == ["1", "2", "1"]


async def test_what_goes_wrong_with_a_tool_is_told_to_the_model(agency):
    agency.bench.add("fails", answer=ToolFault("not_found", "There is no such page."))
    agency.bench.add("breaks", answer=RuntimeError("secret detail"))
    agent = await agency.make(tools=[{"tool": "test:fails"}, {"tool": "test:breaks"}])
    agency.calls(("fails", {"q": "x"}), ("breaks", {"q": "x"}), ("fails", {}), ("nowhere", {}))
    agency.says("I could not.")
    streamed = await agency.stream(agent)
    assert streamed.types[-1] == "run.completed"
    errors = [each["code"] for each in streamed.events if each["type"] == "tool.error"]
    assert sorted(errors) == ["internal_error", "invalid_arguments", "not_found", "unknown_tool"]
    shown = [m["content"] for m in agency.fake.last.body["messages"] if m["role"] == "tool"]
    assert len(shown) == 4
    assert "secret detail" not in str(shown)


async def test_an_output_schema_is_kept_to(agency):
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    }
    agent = await agency.make(output_schema=schema)
    agency.says("Paris, I think.", '{"town": "Paris"}', '{"city": "Paris"}')
    run = await agency.run(agent)
    assert run["output"] == {"city": "Paris"}
    assert run["steps"] == 3
    told = [m["content"] for m in agency.fake.last.body["messages"] if m["role"] == "user"]
    assert ["does not satisfy" in str(each) for each in told] == [False, True, True]
    agency.says(*["no"] * 4)
    failed = await agency.start(agent)
    assert failed.json()["status"] == "failed"
    assert failed.json()["error"]["code"] == "agent_output_invalid"


async def test_caps_end_a_loop(agency):
    agency.bench.add("look")
    agent = await agency.make(tools=[{"tool": "test:look"}], limits={"steps": 3})
    for _ in range(3):
        agency.calls(("look", {"q": "x"}))
    run = await agency.run(agent)
    assert run["status"] == "failed"
    assert run["error"]["code"] == "agent_limit_reached"
    assert run["steps"] == 3
    assert agency.fake.last.body["tool_choice"] == "none"


async def test_tool_calls_are_capped_by_telling_the_model(agency):
    look = agency.bench.add("look")
    agent = await agency.make(tools=[{"tool": "test:look"}], limits={"tool_calls": 1})
    agency.calls(("look", {"q": "x"}))
    agency.calls(("look", {"q": "y"}))
    agency.says("Enough.")
    run = await agency.run(agent)
    assert run["text"] == "Enough."
    assert len(look.calls) == 1
    assert "limit_reached" in agency.fake.last.body["messages"][-1]["content"]


async def test_a_slow_tool_is_cut_off(agency):
    async def slow(arguments):
        await asyncio.sleep(30)

    agency.bench.add("slow", traits=ToolTraits("read", seconds=0.05), answer=slow)
    agent = await agency.make(tools=[{"tool": "test:slow"}])
    agency.calls(("slow", {"q": "x"}))
    agency.says("Too slow.")
    run = await agency.run(agent)
    assert run["text"] == "Too slow."
    assert "timeout" in agency.fake.last.body["messages"][-1]["content"]


async def test_long_results_are_cut_and_said_to_be(agency):
    agency.bench.add("long", traits=ToolTraits("read", characters=100), answer=Outcome("x" * 5000))
    agent = await agency.make(tools=[{"tool": "test:long"}])
    agency.calls(("long", {"q": "x"}))
    agency.says("Long.")
    await agency.run(agent)
    shown = agency.fake.last.body["messages"][-1]["content"]
    assert shown.startswith("x" * 100 + "\n[… 4900 more")


async def test_agents_give_work_to_agents_within_one_run(agency):
    worker = await agency.make("Worker", instructions="You work.")
    agent = await agency.make("Chief", agents=[worker["slug"]])
    agency.calls((asking(worker), {"task": "Count to three."}))
    agency.says("1, 2, 3.", "The worker counted.")
    streamed = await agency.stream(agent)
    assert streamed.types[-1] == "run.completed"
    assert streamed.events[-1]["result"]["text"] == "The worker counted."
    steps = await agency.steps(streamed.events[0]["run_id"])
    assert [(each["agent"], each["kind"]) for each in steps] == [
        (agent["slug"], "model"),
        (agent["slug"], "tool"),
        (worker["slug"], "model"),
        (agent["slug"], "model"),
    ]
    assert steps[2]["path"]


async def test_depth_is_capped(agency):
    limits = {"depth": 1, "steps": 10}
    one = await agency.make("One", limits=limits)
    two = await agency.make("Two", agents=[one["slug"]])
    path = f"/v1/agents/{one['id']}"
    body = {"definition": {"agents": [two["slug"]]}}
    assert (await agency.talker.call("PATCH", path, json=body)).status_code == 200
    agency.calls((asking(two), {"task": "You do it."}))
    agency.calls((asking(one), {"task": "No, you."}))
    agency.says("Fine, done below.", "Done above.")
    run = await agency.run(one)
    assert run["text"] == "Done above."
    assert "depth_reached" in str(agency.fake.requests[-2].body["messages"])
