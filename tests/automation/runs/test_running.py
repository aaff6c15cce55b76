"""Runs begun, held, ended and done again over HTTP, as the engine carries them out."""

import asyncio
from uuid import UUID, uuid4

import pytest_asyncio
from sqlalchemy import update

from app.automation.engine.models import WorkflowWait
from app.core.clock import now
from app.core.db import SYSTEM
from tests.support.identity import new_key
from tests.support.kept_runs import edge, flow

SHOUT = {"id": "shout", "type": "transform", "with": {"value": "{{ inputs.word + '!' }}"}}
ASK = {"id": "ask", "type": "approval", "with": {"title": "Go on?"}}


def emit(name, value="{{ inputs.word }}", **more):
    """A step that is kept: it emits an event."""
    settings = {"type": "test.done", "data": {"value": value}}
    return {"id": name, "type": "emit", "with": settings, **more}


class Runner:
    """A person who makes workflows and runs them."""

    def __init__(self, talker):
        self.talker = talker

    async def make(self, *nodes, **more):
        body = {"name": "Test", "slug": f"test-{uuid4().hex[:8]}"}
        body["definition"] = flow(*nodes, **more)
        answer = await self.talker.call("POST", "/v1/workflows", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def post(self, path, body=None, **headers):
        return await self.talker.call("POST", path, json=body or {}, headers=headers)

    async def run(self, workflow, expect=200, headers=None, **body):
        body = {"inputs": {"word": "Hello"}, **body}
        path = f"/v1/workflows/{workflow['slug']}/runs"
        answer = await self.post(path, body, **(headers or {}))
        assert answer.status_code == expect, answer.text
        return answer.json()

    async def act(self, run, verb, expect=202, **body):
        answer = await self.post(f"/v1/workflow-runs/{run['id']}/{verb}", body)
        assert answer.status_code == expect, answer.text
        return answer.json()

    async def get(self, path):
        answer = await self.talker.call("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def ended(self, run):
        await self.talker.stream("GET", f"/v1/runs/{run['id']}/events")
        return await self.get(f"/v1/workflow-runs/{run['id']}")

    async def steps(self, run):
        return (await self.get(f"/v1/workflow-runs/{run['id']}/steps"))["data"]

    async def until(self, run, status):
        for _ in range(400):
            found = await self.get(f"/v1/workflow-runs/{run['id']}")
            if found["status"] == status:
                return found
            await asyncio.sleep(0.02)
        raise AssertionError(found)


@pytest_asyncio.fixture(loop_scope="session")
async def runner(talker):
    return Runner(talker)


async def test_a_run_answers_with_its_output(runner):
    workflow = await runner.make(SHOUT, outputs={"said": "{{ nodes.shout.output }}"})
    run = await runner.run(workflow, metadata={"ticket": "7"})
    assert (run["status"], run["output"]) == ("completed", {"said": "Hello!"})
    assert (run["workflow"], run["metadata"]) == (workflow["slug"], {"ticket": "7"})
    by_id = await runner.post(
        f"/v1/workflows/{workflow['id']}/runs", {"inputs": {"word": "Hi"}, "wait": False}
    )
    assert by_id.status_code == 202
    assert (await runner.ended(by_id.json()))["output"] == {"said": "Hi!"}


async def test_a_stream_shows_it_and_goes_on_where_it_broke_off(runner):
    workflow = await runner.make(SHOUT, emit("tell"), edges=[edge("shout", "tell")])
    path = f"/v1/workflows/{workflow['slug']}/runs"
    body = {"inputs": {"word": "Hello"}, "stream": True}
    streamed = await runner.talker.stream("POST", path, json=body)
    assert (streamed.types[0], streamed.types[-1]) == ("run.created", "run.completed")
    paths = [e.get("path") for e in streamed.events if e["type"] == "step.completed"]
    assert paths == ["shout", "tell"]
    again = await runner.talker.stream(
        "POST", path, json=body, headers={"Last-Event-ID": streamed.ids[1]}
    )
    assert again.ids == streamed.ids[2:]


async def test_the_same_start_is_one_run(runner):
    workflow = await runner.make(emit("tell"))
    headers = {"Idempotency-Key": str(uuid4())}
    first = await runner.run(workflow, headers=headers)
    second = await runner.run(workflow, headers=headers)
    assert first["id"] == second["id"]
    both = await asyncio.gather(*(runner.run(workflow, key="order-7") for _ in range(4)))
    assert len({each["id"] for each in both}) == 1
    assert both[0]["id"] != first["id"]
    other = await runner.run(await runner.make(emit("tell")), key="order-7")
    assert other["id"] != both[0]["id"]


async def test_a_dry_run_does_nothing(runner):
    workflow = await runner.make(
        emit("tell", mock={"output": {"told": 1}}), outputs="{{ nodes.tell.output }}"
    )
    path = f"/v1/workflows/{workflow['slug']}/runs?dry_run=true"
    answer = await runner.post(path, {"inputs": {"word": "Hello"}})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["object"], told["status"]) == ("workflow_run_rehearsal", "completed")
    assert told["output"] == {"told": 1}
    assert [(each["path"], each["mocked"]) for each in told["steps"]] == [("tell", True)]
    assert (await runner.get("/v1/workflow-runs"))["data"] == []


async def test_what_cannot_begin_says_why(runner):
    schema = {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}
    workflow = await runner.make(SHOUT, inputs=schema)
    refused = await runner.run(workflow, expect=422, inputs={})
    assert refused["code"] == "workflow_inputs_invalid"
    assert [each["pointer"] for each in refused["errors"]] == ["/body/inputs"]
    assert refused["detail"] == '/body/inputs: "word" is a required property'
    path = f"/v1/workflows/{workflow['id']}"
    off = await runner.talker.call("PATCH", path, json={"enabled": False})
    assert off.status_code == 200
    assert (await runner.run(workflow, expect=409))["code"] == "workflow_disabled"
    missing = await runner.run({"slug": "nothing-here"}, expect=404)
    assert missing["code"] == "workflow_not_found"


async def test_a_run_is_held_and_goes_on(runner, kernel):
    workflow = await runner.make(
        {"id": "nap", "type": "wait", "with": {"for": "1h"}},
        emit("tell"),
        edges=[edge("nap", "tell")],
    )
    run = await runner.run(workflow, expect=202, wait=False)
    held = await runner.act(run, "pause")
    assert held["paused_at"] is not None
    await runner.until(run, "paused")
    async with kernel.database.unit(SYSTEM) as session:
        nap = update(WorkflowWait).where(WorkflowWait.run_id == UUID(run["id"]))
        await session.execute(nap.values(until=now()))
    await asyncio.sleep(1.5)
    assert [each["path"] for each in await runner.steps(run)] in ([], ["nap"])
    assert (await runner.act(run, "resume"))["paused_at"] is None
    ended = await runner.ended(run)
    assert (ended["status"], len(await runner.steps(run))) == ("completed", 2)
    assert (await runner.act(run, "pause", expect=409))["code"] == "workflow_run_ended"


async def test_a_run_is_cancelled_and_undoes_what_it_did_where_that_is_wanted(runner):
    undo = {"type": "emit", "with": {"type": "test.undone", "data": {}}}
    definition = (emit("tell", compensate=undo), ASK)
    workflow = await runner.make(*definition, edges=[edge("tell", "ask")])
    for body, paths in (({}, ["tell"]), ({"compensate": True}, ["tell", "tell~undo"])):
        run = await runner.run(workflow)
        assert (run["status"], run["waits"][0]["path"]) == ("paused", "ask")
        await runner.act(run, "cancel", **body)
        ended = await runner.ended(run)
        assert ended["status"] in ("cancelled", "failed")
        done = sorted(each["path"] for each in await runner.steps(run))
        assert [path for path in done if path != "ask"] == paths
        again = await runner.act(run, "cancel", **body)
        assert again["status"] == ended["status"]


async def test_a_run_is_done_again_from_what_failed_or_changed(runner):
    fails = {"id": "call", "type": "http", "with": {"url": "{{ inputs.address }}"}}
    workflow = await runner.make(
        emit("first", "{{ 1 }}"), fails, emit("last", "{{ 2 }}"),
        edges=[edge("first", "call"), edge("call", "last")],
    )  # fmt: skip
    inputs = {"address": "http://127.0.0.1:9/", "word": "x"}
    run = await runner.run(workflow, inputs=inputs)
    assert (run["status"], run["error"]["code"]) == ("failed", "workflow_failed")
    retried = await runner.ended(await runner.act(run, "retry"))
    assert (retried["status"], retried["reused_from_id"]) == ("failed", run["id"])
    copied = {each["path"]: each["copied"] for each in await runner.steps(retried)}
    assert copied == {"first": True, "call": False}
    edited = (await runner.get(f"/v1/workflows/{workflow['id']}"))["definition"]
    edited["nodes"][1] = emit("call", "{{ 3 }}")
    again = await runner.ended(await runner.act(run, "rerun", definition=edited))
    assert again["status"] == "completed"
    copied = {each["path"]: each["copied"] for each in await runner.steps(again)}
    assert copied == {"first": True, "call": False, "last": False}
    unknown = await runner.act(run, "rerun", expect=422, **{"from": ["nobody"]})
    assert unknown["code"] == "workflow_node_unknown"
    wrong = {"dsl": "flow/1", "nodes": [{"id": "a", "type": "no_such_type"}]}
    refused = await runner.act(run, "rerun", expect=422, definition=wrong)
    assert refused["errors"][0]["pointer"].startswith("/body/definition")
    other = await runner.ended(await runner.act(again, "rerun", **{"from": ["last"]}))
    copied = {each["path"]: each["copied"] for each in await runner.steps(other)}
    assert copied == {"first": True, "call": True, "last": False}
    path = f"/v1/workflow-runs/{run['id']}/retry?dry_run=true"
    tried = await runner.post(path)
    assert tried.json()["object"] == "workflow_run_rehearsal"


async def test_another_definition_takes_the_right_to_write_workflows(client, runner):
    run = await runner.run(await runner.make(SHOUT))
    scopes = ["workflows:read", "workflows:run"]
    key = await new_key(client, runner.talker.person, scopes=scopes)
    headers = {"Authorization": f"Bearer {key['key']}"}
    path = f"/v1/workflow-runs/{run['id']}/rerun"
    allowed = await client.post(path, json={}, headers=headers)
    assert allowed.status_code == 202, allowed.text
    refused = await client.post(path, json={"definition": flow(SHOUT)}, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")


async def test_a_run_whose_output_is_unfit_names_each_field(runner):
    number = {"type": "number"}
    fit = {"type": "object", "properties": {"a/b": number, "c": number}}
    outputs = {"a/b": "{{ inputs.word }}", "c": "{{ inputs.word }}"}
    run = await runner.run(await runner.make(SHOUT, outputs=outputs, output_schema=fit))
    assert (run["status"], run["error"]["code"]) == ("failed", "workflow_output_invalid")
    pointers = {each["pointer"] for each in run["error"]["errors"]}
    assert pointers == {"/output/a~1b", "/output/c"}


async def test_what_needs_no_settings_is_posted_without_a_body(runner):
    run = await runner.run(await runner.make(ASK))
    becomes = {"pause": "paused", "resume": "paused", "cancel": "cancelled", "retry": "paused"}
    for verb, status in becomes.items():
        path = f"/v1/workflow-runs/{run['id']}/{verb}"
        answer = await runner.talker.call("POST", path)
        assert answer.status_code == 202, answer.text
        run = await runner.until(answer.json(), status)
