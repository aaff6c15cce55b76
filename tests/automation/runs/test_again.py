"""A run done again: what was paid for is kept, and the answer comes in the way that is wanted."""

from uuid import uuid4

import pytest

from tests.automation.runs.test_running import emit, runner  # noqa: F401 - a fixture
from tests.support.chat import connected
from tests.support.fakes.openai import FakeOpenAI
from tests.support.kept_runs import edge

ASKS = {"id": "sum", "type": "llm", "with": {"model": "openai/gpt-4o", "prompt": "Sum up."}}
REFUSED = {"id": "call", "type": "http", "with": {"url": "http://127.0.0.1:9/"}}


def posted(fake):
    return [request for request in fake.requests if request.method == "POST"]


async def test_an_answer_that_was_paid_for_is_kept_on_an_edited_definition(runner):  # noqa: F811
    fake = FakeOpenAI()
    async with connected(runner.talker, fake):
        workflow = await runner.make(
            ASKS, emit("tell", "{{ nodes.sum.output.text }}"), edges=[edge("sum", "tell")]
        )
        first = await runner.run(workflow)
        assert (first["status"], len(posted(fake))) == ("completed", 1)
        edited = (await runner.get(f"/v1/workflows/{workflow['id']}"))["definition"]
        edited["nodes"][1] = emit("tell", "{{ nodes.sum.output.text + '!' }}")
        again = await runner.act(first, "rerun", expect=200, definition=edited, wait=True)
        assert (again["status"], len(posted(fake))) == ("completed", 1)
        from_it = await runner.act(first, "rerun", expect=200, wait=True, **{"from": ["sum"]})
    assert (from_it["status"], len(posted(fake))) == ("completed", 2)
    assert float(first["cost_usd"]) > 0
    assert (float(again["cost_usd"]), again["input_tokens"]) == (0, 0)
    steps = {each["path"]: each for each in await runner.steps(again)}
    assert (steps["sum"]["copied"], float(steps["sum"]["cost_usd"])) == (True, 0)
    told = {each["path"]: each["input"]["data"]["value"] for each in await runner.steps(again)
            if each["path"] == "tell"}  # fmt: skip
    assert told == {"tell": steps["sum"]["output"]["text"] + "!"}
    compared = await runner.post("/v1/workflow-runs/compare", {"a": first["id"], "b": again["id"]})
    nodes = {each["path"]: each["differs"] for each in compared.json()["nodes"]}
    assert nodes == {"sum": False, "tell": True}
    numbers = await runner.get(f"/v1/workflows/{workflow['id']}/statistics")
    paid = {each["node_id"]: float(each["cost_usd"]) for each in numbers["nodes"]}
    assert paid["sum"] == pytest.approx(2 * float(first["cost_usd"]))
    assert float(numbers["cost_usd"]) == pytest.approx(paid["sum"])


@pytest.mark.parametrize("verb", ["retry", "rerun"])
async def test_it_is_waited_for_or_streamed_where_that_is_wanted(runner, verb):  # noqa: F811
    workflow = await runner.make(emit("tell"), REFUSED, edges=[edge("tell", "call")])
    run = await runner.run(workflow)
    begun = await runner.act(run, verb)
    assert begun["status"] in ("queued", "running")
    over = await runner.act(run, verb, expect=200, wait=True)
    assert (over["status"], over["reused_from_id"]) == ("failed", run["id"])
    path = f"/v1/workflow-runs/{run['id']}/{verb}"
    streamed = await runner.talker.stream("POST", path, json={"stream": True})
    assert (streamed.types[0], streamed.types[-1]) == ("run.created", "run.failed")
    headers = {"Last-Event-ID": streamed.ids[1]}
    again = await runner.talker.stream("POST", path, json={"stream": True}, headers=headers)
    assert again.ids == streamed.ids[2:]
    headers = {"Idempotency-Key": str(uuid4())}
    kept = [(await runner.post(path, {"wait": True}, **headers)).json()["id"] for _ in range(2)]
    assert kept[0] == kept[1]
    tried = await runner.post(f"{path}?dry_run=true")
    assert (tried.status_code, tried.json()["object"]) == (200, "workflow_run_rehearsal")
