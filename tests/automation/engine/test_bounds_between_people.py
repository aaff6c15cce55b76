"""What runs of several people share and what they do not; values that Postgres could not hold."""

import pytest_asyncio

from tests.support.chat import Talker
from tests.support.identity import new_person
from tests.support.teams import new_team
from tests.support.workflows.office import Office


@pytest_asyncio.fixture(loop_scope="session")
async def office(client):
    return Office(Talker(client, await new_person(client)))


def calls(expression, **more):
    settings = {"tool": "calculator", "arguments": {"expression": expression}}
    return {"type": "tool", "with": settings, **more}


async def statuses(office, run):
    found = (await office.get(f"/v1/workflow-runs/{run['id']}/steps"))["data"]
    return {step["path"]: (step["status"], step["output"]["text"]) for step in found}


async def test_a_key_of_the_cache_is_a_nodes_own(office):
    cache = {"ttl": "1h", "key": "{{ inputs.id }}"}
    nodes = [{"id": "a", **calls("1 + 1", cache=cache)}, {"id": "b", **calls("2 + 2", cache=cache)}]
    await office.make("sums", nodes=nodes, edges=[{"from": "a", "to": "b"}])
    first = await statuses(office, await office.run("sums", {"id": "x"}))
    assert first == {"a": ("ok", "2"), "b": ("ok", "4")}
    second = await statuses(office, await office.run("sums", {"id": "x"}))
    assert second == {"a": ("cached", "2"), "b": ("cached", "4")}


async def test_nobody_is_given_what_a_step_gave_another_person(client):
    owner, guest = [await new_person(client), await new_person(client)]
    team = await new_team(client, owner)
    await team.take_in(owner, guest)
    nodes = [{"id": "a", **calls("1 + 1", cache={"ttl": "1h"})}]
    body = {"name": "sum", "slug": "sum", "definition": {"dsl": "flow/1", "nodes": nodes}}
    made = await team.call(owner, "POST", "/v1/workflows", body)
    assert made.status_code == 201, made.text
    told = []
    for person in (owner, owner, guest):
        run = await team.call(person, "POST", "/v1/workflows/sum/runs", {})
        steps = await team.call(person, "GET", f"/v1/workflow-runs/{run.json()['id']}/steps")
        told += [step["status"] for step in steps.json()["data"]]
    assert told == ["ok", "cached", "ok"]


async def test_a_key_of_one_person_is_no_way_to_anothers_run(client):
    owner, guest = [await new_person(client), await new_person(client)]
    team = await new_team(client, owner)
    await team.take_in(owner, guest)
    nodes = [{"id": "a", "type": "transform", "with": {"value": "{{ inputs.secret }}"}}]
    body = {"name": "Keep", "slug": "keep", "visibility": "workspace"}
    body["definition"] = {"dsl": "flow/1", "nodes": nodes, "outputs": "{{ nodes.a.output }}"}
    made = await team.call(owner, "POST", "/v1/workflows", body)
    assert made.status_code == 201, made.text
    theirs = {"inputs": {"secret": "red"}, "key": "invoice-1"}
    first = await team.call(owner, "POST", "/v1/workflows/keep/runs", theirs)
    mine = {"inputs": {"secret": "blue"}, "key": "invoice-1", "stream": True}
    second = await team.call(guest, "POST", "/v1/workflows/keep/runs", mine)
    assert first.json()["output"] == "red"
    assert second.status_code == 200, second.text
    assert "blue" in second.text
    assert "red" not in second.text


async def test_a_value_with_nul_is_told_as_postgres_can_hold_it(office):
    nul = "{{ 'a\\u0000b' }}"
    await office.make(
        "nul",
        nodes=[
            {"id": "each", "type": "map", "with": {"items": [1]},
             "body": {"nodes": [{"id": "t", "type": "transform", "with": {"value": nul}}],
                      "outputs": "{{ nodes.t.output }}"}},
            {"id": "told", "type": "emit", "on_error": "continue",
             "with": {"type": "thing.said", "data": {"text": "{{ nodes.each.output[0] }}"}}},
        ],
        edges=[{"from": "each", "to": "told"}],
        outputs="{{ nodes.each.output }}",
    )  # fmt: skip
    run = await office.run("nul")
    assert (run["status"], run["output"]) == ("completed", ["a\ufffdb"]), run


async def test_a_turns_key_that_cannot_be_computed_is_the_callers_mistake(office):
    await office.make(
        "turns",
        settings={"concurrency": {"limit": 1, "key": "{{ inputs.customer.id }}"}},
        nodes=[{"id": "t", "type": "transform", "with": {"value": 1}}],
    )
    answer = await office.start("turns", {"customer": {}})
    assert (answer.status_code, answer.json()["code"]) == (422, "workflow_inputs_invalid")
    told = await office.run("turns", {"customer": {"id": "{{ 'x' }}"}})
    assert told["status"] == "completed"
