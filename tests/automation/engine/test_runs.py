"""Runs of workflows at the running service: begun over HTTP, paused, woken, done again."""

import pytest_asyncio

from tests.support.chat import Talker
from tests.support.identity import new_person
from tests.support.workflows.office import Office


@pytest_asyncio.fixture(loop_scope="session")
async def office(client):
    return Office(Talker(client, await new_person(client)))


async def test_a_run_gives_what_its_definition_says(office):
    await office.make(
        "sum",
        nodes=[
            {"id": "a", "type": "tool",
             "with": {"tool": "calculator", "arguments": {"expression": "{{ inputs.n }} * 2"}}},
            {"id": "big", "type": "condition", "with": {"if": "inputs.n > 10"}},
            {"id": "b", "type": "transform", "with": {"value": "{{ nodes.a.output.text }} it is"}},
        ],
        edges=[{"from": "a", "to": "big"}, {"from": "big", "to": "b", "port": "true"}],
        outputs={"said": "{{ nodes.b.output }}"},
    )  # fmt: skip
    run = await office.run("sum", {"n": 21})
    assert run["status"] == "completed", run
    assert run["output"] == {"said": "42 it is"}


async def test_a_run_that_only_waits_lets_go_of_its_process_and_goes_on_when_decided(office, app):
    await office.make(
        "invoice",
        nodes=[
            {"id": "ask", "type": "approval", "with": {"title": "Pay {{ inputs.sum }}?"}},
            {"id": "paid", "type": "transform", "with": {"value": "paid"}},
            {"id": "refused", "type": "transform", "with": {"value": "refused"}},
        ],
        edges=[
            {"from": "ask", "to": "paid"},
            {"from": "ask", "to": "refused", "port": "rejected"},
        ],
        outputs={"status": "{{ nodes.paid.status }}", "by": "{{ nodes.ask.output.decided_by }}"},
    )
    run = await office.run("invoice", {"sum": 12})
    assert run["status"] == "paused", run
    assert app.state.runs.executor.active == []
    [task] = await office.open_tasks()
    assert task["title"] == "Pay 12?"
    await office.post(f"/v1/tasks/{task['id']}/decide", decision="approve")
    streamed = await office.events(run["id"])
    assert streamed.types[-1] == "run.completed"
    assert streamed.events[-1]["result"]["output"]["status"] == "ok"


async def test_an_event_wakes_the_step_that_waits_for_it_and_no_other_event_does(office):
    await office.make(
        "shipping",
        nodes=[
            {"id": "paid", "type": "wait",
             "with": {"event": {"type": "order.paid", "where": {"id": "{{ inputs.id }}"}}}},
        ],
        outputs="{{ nodes.paid.output.data.sum }}",
    )  # fmt: skip
    await office.make(
        "shop",
        nodes=[
            {"id": "other", "type": "emit",
             "with": {"type": "order.paid", "data": {"id": 1, "sum": 5}}},
            {"id": "mine", "type": "emit",
             "with": {"type": "order.paid", "data": {"id": 2, "sum": 7}}},
        ],
        edges=[{"from": "other", "to": "mine"}],
    )  # fmt: skip
    waiting = await office.run("shipping", {"id": 2})
    assert waiting["status"] == "paused", waiting
    assert (await office.run("shop"))["status"] == "completed"
    ended = (await office.events(waiting["id"])).events[-1]
    assert ended["type"] == "run.completed", ended
    assert ended["result"]["output"] == 7


async def test_a_workflow_waits_for_the_one_that_it_starts(office):
    await office.make(
        "inner",
        inputs={"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
        nodes=[{"id": "twice", "type": "transform", "with": {"value": "{{ inputs.n * 2 }}"}}],
        outputs="{{ nodes.twice.output }}",
    )
    await office.make(
        "outer",
        nodes=[
            {"id": "sub", "type": "subworkflow",
             "with": {"workflow": "inner", "inputs": {"n": "{{ inputs.n }}"}}},
        ],
        outputs="{{ nodes.sub.output.output }}",
    )  # fmt: skip
    run = await office.run("outer", {"n": 4})
    ended = (await office.events(run["id"])).events[-1]
    assert ended["result"]["output"] == 8, ended
    failed = await office.run("outer", {"n": "four"})
    ended = (await office.events(failed["id"])).events[-1]
    assert ended["type"] == "run.failed"
    assert ended["error"]["errors"][0]["code"] == "workflow_inputs_invalid"


async def test_what_was_done_is_undone_in_reverse_where_the_run_fails(office):
    def step(name, **more):
        settings = {"expression": "1 + 1"}
        undo = {"type": "tool", "with": {"tool": "calculator", "arguments": settings}}
        return {"id": name, "type": "tool", "compensate": undo,
                "with": {"tool": "calculator", "arguments": settings}, **more}  # fmt: skip

    broken = {"tool": "calculator", "arguments": {"expression": "1 / 0"}}
    await office.make(
        "saga",
        nodes=[step("flight"), step("hotel"), {"id": "car", "type": "tool", "with": broken}],
        edges=[{"from": "flight", "to": "hotel"}, {"from": "hotel", "to": "car"}],
    )
    run = await office.run("saga")
    assert run["status"] == "failed", run
    steps = (await office.get(f"/v1/workflow-runs/{run['id']}/steps"))["data"]
    undone = [each["path"] for each in steps if each["path"].endswith("~undo")]
    assert undone == ["hotel~undo", "flight~undo"]
    assert run["error"]["errors"][0]["pointer"] == "/steps/car"


async def test_a_failed_run_is_done_again_from_where_it_failed(office):
    nodes = [
        {"id": "a", "type": "tool",
         "with": {"tool": "calculator", "arguments": {"expression": "20 + 1"}}},
        {"id": "b", "type": "tool",
         "with": {"tool": "calculator",
                  "arguments": {"expression": "{{ nodes.a.output.text }} / 0"}}},
    ]  # fmt: skip
    definition = {"nodes": nodes, "edges": [{"from": "a", "to": "b"}]}
    await office.make("mended", **definition, outputs="{{ nodes.b.output.text }}")
    failed = await office.run("mended")
    assert failed["status"] == "failed", failed
    nodes[1]["with"]["arguments"]["expression"] = "{{ nodes.a.output.text }} * 2"
    edited = {"dsl": "flow/1", **definition, "outputs": "{{ nodes.b.output.text }}"}
    again = await office.post(
        f"/v1/workflow-runs/{failed['id']}/rerun", **{"from": ["b"], "definition": edited}
    )
    ended = (await office.events(again["id"])).events[-1]
    assert ended["result"]["output"] == "42", ended
    steps = (await office.get(f"/v1/workflow-runs/{again['id']}/steps"))["data"]
    assert {each["path"]: each["copied"] for each in steps} == {"a": True, "b": False}


async def test_runs_of_one_key_wait_for_their_turn_and_higher_ones_go_first(office):
    await office.make(
        "turns",
        settings={"concurrency": {"limit": 1}},
        nodes=[{"id": "ask", "type": "approval", "with": {"title": "{{ inputs.who }}"}}],
    )
    first = await office.run("turns", {"who": "first"})
    low = await office.run("turns", {"who": "low"}, priority=1)
    high = await office.run("turns", {"who": "high"}, priority=9)
    assert [each["status"] for each in (first, low, high)] == ["paused"] * 3
    for who in ("first", "high", "low"):
        [task] = await office.open_tasks()
        assert task["title"] == who
        await office.post(f"/v1/tasks/{task['id']}/decide", decision="approve")
    assert (await office.events(low["id"])).types[-1] == "run.completed"
