"""Runs that end before their turn, with what they undo and whom they take along."""

from uuid import UUID

import pytest_asyncio

from app.runs.events.errors import EventLogUnavailable
from tests.support.chat import Talker
from tests.support.identity import new_person
from tests.support.runs import until
from tests.support.workflows.office import Office

ASK = {"id": "ask", "type": "approval", "with": {"title": "{{ inputs.who }}"}}


@pytest_asyncio.fixture(loop_scope="session")
async def office(client):
    return Office(Talker(client, await new_person(client)))


def sums(name, **more):
    settings = {"tool": "calculator", "arguments": {"expression": "1 + 1"}}
    return {"id": name, "type": "tool", "with": settings, **more}


async def test_a_run_of_too_many_steps_undoes_what_it_did(office):
    undo = {"type": "tool", "with": sums("undo")["with"]}
    await office.make(
        "long",
        settings={"max_steps": 1},
        nodes=[sums("a", compensate=undo), sums("b")],
        edges=[{"from": "a", "to": "b"}],
    )
    run = await office.run("long")
    assert run["error"]["code"] == "workflow_too_many_steps"
    steps = (await office.get(f"/v1/workflow-runs/{run['id']}/steps"))["data"]
    assert [each["path"] for each in steps] == ["a", "a~undo"]


async def test_a_run_that_ends_before_it_could_undo_says_what_is_still_done(office, app):
    undo = {"type": "tool", "with": sums("undo")["with"]}
    # It is held meanwhile: what ends so soon is waited for in the process.
    soon = {"id": "soon", "type": "wait", "with": {"for": "4s"}}
    await office.make(
        "cutoff", nodes=[sums("a", compensate=undo), soon], edges=[{"from": "a", "to": "soon"}]
    )
    run = (await office.start("cutoff", wait=False)).json()
    active = app.state.runs.executor._active[UUID(run["id"])]
    await until(lambda: any(each.type == "step.waiting" for each in active.log.events))
    active.stop(EventLogUnavailable("Valkey is away."))
    ended = (await office.events(run["id"])).events[-1]
    assert ended["error"]["code"] == "event_log_unavailable", ended
    assert [each["path"] for each in ended["result"]["not_undone"]] == ["a"]


async def test_a_run_that_waits_for_its_turn_is_stopped_or_out_of_time_at_once(office):
    settings = {"concurrency": {"limit": 1}, "timeout": "2s"}
    await office.make("first", settings={"concurrency": {"limit": 1}}, nodes=[ASK])
    await office.run("first", {"who": "first"})
    queued = await office.run("first", {"who": "queued"})
    await office.post(f"/v1/workflow-runs/{queued['id']}/cancel", compensate=True)
    ended = (await office.events(queued["id"])).events[-1]
    assert ended["error"]["code"] == "workflow_stopped", ended
    await office.make("brief", settings=settings, nodes=[sums("a"), ASK])
    held = await office.run("brief", {"who": "held"})
    late = await office.run("brief", {"who": "late"})
    assert [held["status"], late["status"]] == ["paused", "paused"]
    ended = (await office.events(late["id"])).events[-1]
    assert ended["error"]["code"] == "workflow_timed_out", ended


async def test_a_run_that_is_cancelled_takes_along_the_one_that_it_waits_for(office):
    await office.make("child", nodes=[ASK])
    sub = {"workflow": "child", "inputs": {"who": "child"}}
    await office.make("parent", nodes=[{"id": "sub", "type": "subworkflow", "with": sub}])
    parent = await office.run("parent")
    [task] = await office.open_tasks()
    await office.post(f"/v1/workflow-runs/{parent['id']}/cancel")
    assert (await office.events(parent["id"])).types[-1] == "run.cancelled"
    assert (await office.events(task["run_id"])).types[-1] == "run.cancelled"
