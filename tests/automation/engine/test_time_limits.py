"""Containers whose time is over, with what they gave up; and steps that were refused in time."""

import asyncio
from datetime import timedelta
from itertools import product
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import update

from app.automation.engine.models import WorkflowRun, WorkflowWait
from app.core.clock import now
from app.core.db import SYSTEM
from app.inference.gate.errors import BudgetExceeded
from tests.automation.engine.test_walking import edge, node, work
from tests.support.chat import Talker
from tests.support.identity import new_person
from tests.support.workflows.dying import Once, World
from tests.support.workflows.office import Office

ASK = {"id": "ask", "type": "approval", "with": {"title": "{{ inputs.who }}"}}
HOLD = {"id": "hold", "type": "approval", "with": {"title": "hold"}}
CHILD = {"workflow": "child", "inputs": {"who": "child"}}
CLOCK = "t~clock"


@pytest_asyncio.fixture(loop_scope="session")
async def office(client):
    made = Office(Talker(client, await new_person(client)))
    await made.make("child", nodes=[ASK])
    return made


def limited(*body, edges=()):
    """A `try` of ten seconds, which says what it caught and then tidies up."""
    undo = {"type": "work"}
    return {
        "nodes": [
            node(
                "t",
                "try",
                timeout="10s",
                body={
                    "nodes": [work("a", 1, compensate=undo), *body],
                    "edges": list(edges),
                    "outputs": "body",
                },
                catch={
                    "nodes": [work("c", "{{ [error.code, error.path] }}")],
                    "outputs": "{{ nodes.c.output.v }}",
                },
                **{"finally": {"nodes": [work("f", turns=3)]}},
            )
        ]
    }


def done(world):
    return [path for path, _ in world.work.done]


async def test_the_time_of_a_try_is_that_of_its_body_and_its_end_is_caught():
    world = World(limited(work("b", turns=10**9), edges=[edge("a", "b")]), mail={CLOCK: 50})
    assert await world.live() == ["timeout", "t"]
    assert done(world) == ["t/a", "t/b", "t/a~undo", "t/c", "t/f"]


async def test_a_try_without_catch_fails_when_its_time_is_over_and_finishes_all_the_same():
    flow = limited(work("b", turns=10**9))
    del flow["nodes"][0]["catch"]
    flow["nodes"].append(work("late", "{{ nodes.t.error.code }}"))
    flow["edges"] = [edge("t", "late", "timeout")]
    flow["outputs"] = "{{ nodes.late.output.v }}"
    world = World(flow, mail={CLOCK: 50})
    assert await world.live() == "timeout"
    assert "t/f" in done(world)


async def test_whether_a_body_ended_in_time_is_the_same_in_every_process():
    """The clock rings about when the body ends, in processes that die one after another."""
    flow = limited(work("b", 2), edges=[edge("a", "b")])
    ends = set()
    for rings, turns in product(range(2, 12), range(1, 40, 2)):
        world = World(flow, mail={CLOCK: rings})
        given = await world.live_through([turns, 7])
        caught = ("t/c", 0) in world.store.steps
        assert given == (["timeout", "t"] if caught else "body"), (rings, turns)
        assert (("t/a~undo", 0) in world.store.steps) <= caught
        assert ("t/f", 0) in world.store.steps
        assert not [place for place, count in world.store.writes.items() if count > 1]
        ends.add(caught)
    assert ends == {True, False}, "it has to ring on both sides of the end"


class Refused(Once):
    """Its budget is used up before anything goes out."""

    async def perform(self, ctx, config):
        raise BudgetExceeded("There is no room.")


async def test_what_must_not_be_done_twice_fails_where_a_budget_refuses_it():
    world = World({"nodes": [node("a", "once")]}, once=Refused())
    given = await world.live()
    assert given["error"] == {"path": "a", "code": "budget_exceeded"}


async def statuses(office, run):
    found = (await office.get(f"/v1/workflow-runs/{run['id']}/steps"))["data"]
    return {step["path"]: (step["status"], (step["error"] or {}).get("code")) for step in found}


async def child_of(office, run):
    found = await office.get(f"/v1/workflow-runs?parent_run_id={run['id']}")
    return found["data"][0]


async def test_what_a_map_had_begun_is_cancelled_when_its_time_is_over(office):
    await office.make(
        "slow",
        nodes=[
            {"id": "each", "type": "map", "with": {"items": [1]}, "timeout": "0.3s",
             "body": {"nodes": [{"id": "sub", "type": "subworkflow", "with": CHILD}]}},
            HOLD,
        ],
        edges=[{"from": "each", "to": "hold", "port": "timeout"}],
    )  # fmt: skip
    run = await office.run("slow")
    assert run["status"] == "paused", run
    child = await child_of(office, run)
    assert (await office.events(child["id"])).types[-1] == "run.cancelled"
    [task] = await office.open_tasks()
    assert task["title"] == "hold"
    assert await statuses(office, run) == {"each": ("error", "timeout")}


BROKEN = {
    "nodes": [
        {"id": "sub", "type": "subworkflow", "with": CHILD},
        {"id": "task", "type": "approval", "with": {"title": "nobody needs it"}},
        {"id": "soon", "type": "wait", "with": {"for": "0.3s"}},
        {"id": "broken", "type": "tool",
         "with": {"tool": "calculator", "arguments": {"expression": "1 / 0"}}},
    ],
    "edges": [{"from": "soon", "to": "broken"}],
}  # fmt: skip
CAUGHT = {"id": "t", "type": "try", "body": BROKEN, "catch": {"nodes": [HOLD]}}
COLLECTS = {"items": [1], "on_error": "collect"}
COLLECTED = {"id": "m", "type": "map", "with": COLLECTS, "body": BROKEN}


@pytest.mark.parametrize(
    "definition",
    [{"nodes": [CAUGHT]}, {"nodes": [COLLECTED, HOLD], "edges": [{"from": "m", "to": "hold"}]}],
    ids=["caught", "collected"],
)
async def test_what_runs_beside_a_failure_is_cancelled_where_it_is_taken_care_of(
    office, definition
):
    await office.make("beside", **definition)
    run = await office.run("beside")
    child = await child_of(office, run)
    assert (await office.events(child["id"])).types[-1] == "run.cancelled"
    assert [each["title"] for each in await office.open_tasks()] == ["hold"]


async def test_what_a_process_left_open_as_it_died_is_closed_by_the_next(office, kernel):
    body = {"nodes": [{"id": "task", "type": "approval", "with": {"title": "nobody needs it"}}]}
    each = {"id": "each", "type": "map", "timeout": "0.3s", "with": {"items": [1]}, "body": body}
    last = {"id": "last", "type": "approval", "with": {"title": "last"}}
    edges = [{"from": "each", "to": "hold", "port": "timeout"}, {"from": "hold", "to": "last"}]
    await office.make("died", nodes=[each, HOLD, last], edges=edges)
    run = await office.run("died")
    [task] = await office.open_tasks()
    async with kernel.database.unit(SYSTEM) as session:
        within = WorkflowWait.run_id == UUID(run["id"]), WorkflowWait.path == "each[0]/task"
        await session.execute(update(WorkflowWait).where(*within).values(status="open"))
    assert len(await office.open_tasks()) == 2
    await office.post(f"/v1/tasks/{task['id']}/decide", decision="approve")
    async with asyncio.timeout(30):
        while [each["title"] for each in await office.open_tasks()] != ["last"]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_a_step_that_waits_for_a_run_takes_no_longer_than_it_may(office):
    sub = {"id": "sub", "type": "subworkflow", "timeout": "0.3s", "with": CHILD}
    edges = [{"from": "sub", "to": "hold", "port": "timeout"}]
    await office.make("brief", nodes=[sub, HOLD], edges=edges)
    run = await office.run("brief")
    child = await child_of(office, run)
    assert (await office.events(child["id"])).types[-1] == "run.cancelled"
    assert await statuses(office, run) == {"sub": ("error", "timeout")}


async def test_a_run_out_of_time_takes_along_the_one_that_a_step_waited_for_too_long(
    office, kernel
):
    """Both times were over before a process took the run up again."""
    sub = {"id": "sub", "type": "subworkflow", "timeout": "1h", "with": CHILD}
    await office.make("late", nodes=[sub], settings={"timeout": "1h"})
    run = await office.run("late")
    child = await child_of(office, run)
    run_id, over = UUID(run["id"]), now() - timedelta(seconds=1)
    async with kernel.database.unit(SYSTEM) as session:
        row, waits = WorkflowRun.id == run_id, WorkflowWait.run_id == run_id
        await session.execute(update(WorkflowRun).where(row).values(deadline_at=over))
        await session.execute(update(WorkflowWait).where(waits).values(until=over))
    ended = (await office.events(run["id"])).events[-1]
    assert ended["error"]["code"] == "workflow_timed_out", ended
    async with asyncio.timeout(30):
        assert (await office.events(child["id"])).types[-1] == "run.cancelled"


async def test_a_dry_run_takes_no_time(office):
    body = {"nodes": [{"id": "sub", "type": "subworkflow", "with": CHILD}]}
    each = {"id": "each", "type": "map", "with": {"items": [1]}, "timeout": "1s", "body": body}
    await office.make("dry", nodes=[each])
    answer = await office.talker.call("POST", "/v1/workflows/dry/runs?dry_run=true", json={})
    assert answer.json()["status"] == "completed", answer.text
