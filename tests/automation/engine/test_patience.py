"""Postgres cuts a step off in the middle: what acts there alone is done again, and counts once."""

from uuid import UUID, uuid5

import pytest_asyncio
from sqlalchemy import func, select

from app.automation.engine import turns_crud
from app.core.db import SYSTEM
from app.core.outbox import OutboxEvent
from tests.support.chat import Talker
from tests.support.cutting import cut_off, locking
from tests.support.identity import new_person
from tests.support.workflows.office import Office


@pytest_asyncio.fixture(loop_scope="session")
async def office(client):
    return Office(Talker(client, await new_person(client)))


async def test_an_emit_without_retries_that_is_cut_off_is_done_once(office, kernel):
    await office.make(
        "told",
        nodes=[{"id": "tell", "type": "emit", "with": {"type": "order.cut_off", "data": {"n": 1}}}],
        outputs="{{ nodes.tell.output.event_id }}",
    )
    run = await cut_off(kernel, locking("outbox_events"), office.run("told"))
    assert run["status"] == "completed", run
    async with kernel.database.unit(SYSTEM) as session:
        found = await session.scalars(
            select(OutboxEvent.id).where(OutboxEvent.type == "order.cut_off")
        )
        assert [str(each) for each in found] == [run["output"]]


async def test_a_value_that_a_step_keeps_for_the_next_run_is_kept_though_it_iscut_off(
    office, kernel
):
    await office.make(
        "kept",
        nodes=[
            {"id": "keep", "type": "connector",
             "with": {"connector": "state", "operation": "set", "options": {"value": 7}}},
        ],
        outputs="{{ nodes.keep.output }}",
    )  # fmt: skip
    run = await cut_off(kernel, locking("workflow_state"), office.run("kept"))
    assert (run["status"], run["output"]) == ("completed", {"value": 7, "number": 1}), run


async def test_a_run_that_a_step_begins_is_begun_once_though_it_iscut_off(office, kernel):
    one = {"id": "one", "type": "transform", "with": {"value": 1}}
    inner = await office.make("inner", nodes=[one], outputs="{{ nodes.one.output }}")
    await office.make(
        "outer",
        nodes=[
            {"id": "ask", "type": "approval", "with": {"title": "Call it?"}},
            {"id": "called", "type": "subworkflow", "with": {"workflow": "inner"}},
        ],
        edges=[{"from": "ask", "to": "called"}],
        outputs="{{ nodes.called.output }}",
    )
    run_id = (await office.run("outer"))["id"]
    [task] = await office.open_tasks()
    called = uuid5(UUID(inner["id"]), f"{run_id}:called#0")

    async def approved():
        await office.post(f"/v1/tasks/{task['id']}/decide", decision="approve")
        return (await office.events(run_id)).events[-1]

    ended = await cut_off(
        kernel,
        select(func.pg_advisory_xact_lock(turns_crud._lock_of(f"workflow_run:{called}"))),
        approved(),
    )
    assert ended["type"] == "run.completed", ended
    assert ended["result"]["output"] == {"output": 1, "run_id": str(called)}
