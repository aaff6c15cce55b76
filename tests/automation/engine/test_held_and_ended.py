"""Runs that end before their turn, with what they undo and whom they take along."""

import asyncio
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import select

from app.automation.engine import crud
from app.automation.engine.parking import Parked
from app.core.clock import now
from app.core.db import SYSTEM
from app.runs.events.errors import EventLogUnavailable
from app.runs.runs.models import Run
from tests.support.chat import Talker
from tests.support.identity import new_person
from tests.support.locking import waits
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


MAP = {"id": "each", "type": "map", "with": {"items": [1, 2, 3]}, "body": {"nodes": [sums("in")]}}


@pytest.mark.parametrize(
    ("most", "nodes", "edges", "begun"),
    [
        (1, [sums("a"), sums("b")], [{"from": "a", "to": "b"}], {"a"}),
        (2, [sums("a"), sums("b"), sums("c")], [], {"a", "b"}),
        # The end of a container is a step, too.
        (3, [MAP], [], {"each", "each[0]/in", "each[1]/in"}),
    ],
    ids=["in a row", "side by side", "within a container"],
)
async def test_a_step_beyond_the_last_is_not_done(office, most, nodes, edges, begun):
    await office.make("most", settings={"max_steps": most}, nodes=nodes, edges=edges)
    run = await office.run("most")
    assert run["error"]["code"] == "workflow_too_many_steps"
    told = (await office.events(run["id"])).events
    assert {each["path"] for each in told if each["type"] == "step.started"} <= begun


async def test_a_run_may_take_as_many_steps_as_it_says(office):
    retried = {**sums("a"), "retry": {"max": 2, "delay": "0s", "when": "true"}}
    retried["with"] = {"tool": "calculator", "arguments": {"expression": "1 / 0"}}
    for slug, most, nodes, steps in (("map", 4, [MAP], 4), ("tried", 3, [retried], 3)):
        await office.make(slug, settings={"max_steps": most}, nodes=nodes)
        run = await office.run(slug)
        assert (run["error"] or {}).get("code") != "workflow_too_many_steps"
        kept = (await office.get(f"/v1/workflow-runs/{run['id']}/steps"))["data"]
        assert len(kept) == steps


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
    shown = await office.get(f"/v1/workflow-runs/{run['id']}")
    assert [(each["path"], each["error"]["code"]) for each in shown["not_undone"]] == [
        ("a", "event_log_unavailable")
    ]


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


@pytest.mark.parametrize(
    ("what", "body", "status"),
    [("pause", {}, 409), ("resume", {}, 409), ("cancel", {"compensate": True}, 202)],
)
async def test_what_people_do_to_a_run_waits_for_who_ends_it(office, kernel, what, body, status):
    await office.make("ends", nodes=[ASK])
    run = await office.run("ends", {"who": "them"})
    run_id, workspace_id = UUID(run["id"]), UUID(office.talker.person.workspace_id)
    path = f"/v1/workflow-runs/{run['id']}/{what}"
    # As whoever ends it: first the run's row, then that of its workflow.
    async with kernel.database.unit(SYSTEM) as ending:
        await ending.execute(select(Run.id).where(Run.id == run_id).with_for_update())
        asking = asyncio.create_task(office.talker.call("POST", path, json=body))
        await waits(kernel, "runs")
        assert await crud.end(ending, workspace_id, run_id, now())
    assert (await asking).status_code == status


async def test_a_run_that_lets_go_as_what_it_waits_for_comes_goes_on(office, monkeypatch):
    """The decision is kept as a step, and the next one begins, before the run has let go."""
    wait = asyncio.wait

    async def late(tasks, **how):
        done, left = await wait(tasks, **how)
        if any(has_parked(each) for each in done):
            [task] = await office.open_tasks()
            await office.post(f"/v1/tasks/{task['id']}/decide", decision="approve")
            async with asyncio.timeout(10):
                while not await kept(task["run_id"]):  # noqa: ASYNC110 - it has no event
                    await asyncio.sleep(0.02)
        return done, left

    def has_parked(done):
        fine = not done.cancelled() and done.exception() is None
        return fine and isinstance(done.result(), Parked)

    async def kept(run_id):
        return (await office.get(f"/v1/workflow-runs/{run_id}/steps"))["data"]

    slow = {"code": "import time\ntime.sleep(1)\nresult = 42"}
    await office.make(
        "late",
        nodes=[ASK, {"id": "next", "type": "code", "with": slow}],
        edges=[{"from": "ask", "to": "next"}],
        outputs="{{ nodes.next.output }}",
    )
    monkeypatch.setattr(asyncio, "wait", late)
    run = (await office.start("late", {"who": "somebody"})).json()
    async with asyncio.timeout(20):
        ended = (await office.events(run["id"])).events[-1]
    assert ended["type"] == "run.completed", ended
    assert ended["result"]["output"] == 42
