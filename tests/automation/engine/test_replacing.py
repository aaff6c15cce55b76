"""A workflow that goes on with its newest runs alone: the oldest make room."""

import asyncio
from uuid import UUID

import pytest_asyncio
from sqlalchemy import select

from app.core.db import SYSTEM
from app.runs.runs.models import Run
from tests.support.chat import Talker
from tests.support.identity import new_person
from tests.support.workflows.office import Office

ASK = {"id": "ask", "type": "approval", "with": {"title": "{{ inputs.who }}"}}


@pytest_asyncio.fixture(loop_scope="session")
async def office(client):
    made = Office(Talker(client, await new_person(client)))
    settings = {"concurrency": {"limit": 1, "otherwise": "cancel_oldest"}}
    await made.make("newest", settings=settings, nodes=[ASK])
    return made


async def last_of(office, run):
    return (await office.events(run["id"])).types[-1]


async def test_a_run_begins_while_the_one_in_its_place_is_held_by_whoever_ends_it(office, kernel):
    first = await office.run("newest", {"who": "first"})
    async with kernel.database.unit(SYSTEM) as session:
        held = select(Run).where(Run.id == UUID(first["id"])).with_for_update()
        assert (await session.scalar(held)).status == "paused"
        answer = await office.start("newest", {"who": "second"}, wait=False)
    assert answer.status_code == 202, answer.text
    assert await last_of(office, first) == "run.cancelled"
    await decide(office)
    assert await last_of(office, answer.json()) == "run.completed"


async def test_of_many_that_begin_at_once_one_is_left(office):
    starts = [office.start("newest", {"who": f"{n}"}, wait=False) for n in range(8)]
    answers = await asyncio.gather(*starts)
    assert {each.status_code for each in answers} == {202}, [each.text for each in answers]
    async with asyncio.timeout(30):
        while len(left := await going_on(office)) > 1:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.05)
    await decide(office)
    assert await last_of(office, left[0]) == "run.completed"


async def going_on(office):
    found = (await office.get("/v1/workflow-runs?workflow=newest"))["data"]
    return [each for each in found if each["status"] in ("queued", "running", "paused")]


async def decide(office):
    [task] = await office.open_tasks()
    await office.post(f"/v1/tasks/{task['id']}/decide", decision="approve")
