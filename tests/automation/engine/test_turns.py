"""Whose turn it is among runs that wait: higher priorities first, then the oldest."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest_asyncio
from sqlalchemy import select, update

from app.automation.engine import admission, crud
from app.automation.engine.models import WorkflowRun, WorkflowWait
from app.automation.language.flow import Flow
from app.core.clock import now
from app.core.db import SYSTEM, Scope
from tests.support.chat import Talker
from tests.support.identity import new_person
from tests.support.workflows.office import Office

HOURLY = {"rate": {"limit": 1, "per": "1h"}}


@pytest_asyncio.fixture(loop_scope="session")
async def office(client):
    return Office(Talker(client, await new_person(client)))


class Queue:
    """Runs of one workflow that ask for their turn, each in a transaction of its own."""

    def __init__(self, app, person, **settings):
        self.database = app.state.kernel.database
        self.workspace_id, self.user_id = UUID(person.workspace_id), UUID(person.user_id)
        self.workflow_id = uuid4()
        node = {"id": "a", "type": "transform", "with": {"value": 1}}
        self.definition = {"dsl": "flow/1", "nodes": [node], "settings": settings}
        self.flow = Flow.model_validate(self.definition)

    async def run(self, priority=5, inputs=None, **more):
        keys = admission.keys_of(self.flow, self.workflow_id, inputs or {})
        row = WorkflowRun(
            id=more.pop("id", None) or uuid4(),
            workspace_id=self.workspace_id,
            user_id=self.user_id,
            workflow_id=self.workflow_id,
            workflow_version=1,
            workflow_slug="queue",
            workflow_name="queue",
            definition=self.definition,
            inputs=inputs or {},
            interpreter=1,
            trigger="api",
            priority=priority,
            labels={},
            **keys,
            **more,
        )
        async with self.database.unit(Scope(self.workspace_id)) as session:
            session.add(row)
        return row.id

    async def ask(self, run_id):
        """None where it is its turn."""
        async with self.database.unit(Scope(self.workspace_id)) as session:
            row = await session.get_one(WorkflowRun, run_id)
            return await admission.turn_of(session, self.flow, row)

    async def change(self, run_id, **values):
        async with self.database.unit(Scope(self.workspace_id)) as session:
            changing = update(WorkflowRun).where(WorkflowRun.id == run_id)
            await session.execute(changing.values(**values))

    async def end(self, run_id):
        """Who is to ask, once this one has ended."""
        async with self.database.unit(Scope(self.workspace_id)) as session:
            row = await session.get_one(WorkflowRun, run_id)
            row.ended_at = now()
            await session.flush()
            return await admission.next_at_end(session, self.flow, row)


async def test_a_rate_lets_the_highest_priority_that_waits_begin_first(office, app):
    queue = Queue(app, office.talker.person, **HOURLY)
    first, low = await queue.run(), await queue.run(1)
    assert await queue.ask(first) is None
    assert (await queue.ask(low)).until > now()
    high = await queue.run(9)
    assert (await queue.ask(high)).until > now()
    await queue.change(first, admitted_at=now() - timedelta(hours=2))
    assert (await queue.ask(low)).until > now()
    assert await queue.ask(high) is None


async def test_of_one_priority_the_oldest_goes_first_whatever_its_id(office, app):
    for settings in (HOURLY, {"concurrency": {"limit": 1}}):
        queue = Queue(app, office.talker.person, **settings)
        first = await queue.run()
        assert await queue.ask(first) is None
        ids = sorted([uuid4(), uuid4()], reverse=True)
        older, younger = [await queue.run(id=each) for each in ids]
        assert await queue.ask(younger)
        assert await queue.ask(older)
        await queue.change(first, admitted_at=now() - timedelta(hours=2), ended_at=now())
        assert await queue.ask(younger)
        assert await queue.ask(older) is None


async def test_one_turn_is_given_once_to_whoever_asks_at_the_same_time(office, app):
    for settings in (HOURLY, {"concurrency": {"limit": 1}}, HOURLY | {"concurrency": {"limit": 1}}):
        queue = Queue(app, office.talker.person, **settings)
        first = await queue.run()
        assert await queue.ask(first) is None
        waiting = [await queue.run(priority) for priority in (1, 5, 9, 9, 3)]
        for each in waiting:
            assert await queue.ask(each)
        await queue.change(first, admitted_at=now() - timedelta(hours=2), ended_at=now())
        answers = await asyncio.gather(*(queue.ask(each) for each in waiting))
        assert [place for place, answer in enumerate(answers) if answer is None] == [2]


async def test_who_waits_for_a_rate_takes_no_place_of_those_that_could_begin(office, app):
    queue = Queue(
        app,
        office.talker.person,
        concurrency={"limit": 1},
        rate={"limit": 1, "per": "1h", "key": "{{ inputs.customer }}"},
    )
    first, second = [await queue.run(inputs={"customer": "a"}) for _ in range(2)]
    assert await queue.ask(first) is None
    other = await queue.run(inputs={"customer": "b"})
    assert (await queue.ask(second)).until is None
    assert (await queue.ask(other)).until is None
    assert await queue.end(first) == [second]
    assert (await queue.ask(second)).until > now()
    assert await queue.ask(other) is None


async def test_who_waits_for_a_place_does_not_hold_the_rate_up(office, app):
    queue = Queue(
        app,
        office.talker.person,
        concurrency={"limit": 1, "key": "{{ inputs.customer }}"},
        rate={"limit": 3, "per": "1h"},
    )
    first, second = [await queue.run(9, {"customer": "a"}) for _ in range(2)]
    assert await queue.ask(first) is None
    assert (await queue.ask(second)).until is None
    third, fourth, fifth = [await queue.run(1, {"customer": name}) for name in "bcd"]
    assert await queue.ask(third) is None
    assert await queue.ask(fourth) is None
    assert (await queue.ask(fifth)).until > now()


async def test_moments_are_as_far_apart_as_the_rate_says(office, app):
    queue = Queue(app, office.talker.person, rate={"limit": 2, "per": "1h"})
    ids = [await queue.run() for _ in range(7)]
    begins = [await queue.ask(each) for each in ids]
    assert begins[:2] == [None, None]
    hours = [round((each.until - now()).total_seconds() / 3600) for each in begins[2:]]
    assert hours == [1, 1, 1, 1, 2]
    # A moment becomes exact once whoever was to begin before has begun.
    await queue.change(ids[0], admitted_at=now() - timedelta(hours=1))
    assert await queue.ask(ids[3]) is not None
    assert await queue.ask(ids[2]) is None
    assert await queue.end(ids[2]) == []
    assert await queue.end(ids[3]) == [ids[4]]


async def test_the_run_that_begins_when_the_time_comes_is_the_highest(office, app):
    await office.make(
        "hourly",
        settings=HOURLY,
        nodes=[{"id": "t", "type": "transform", "with": {"value": "{{ inputs.who }}"}}],
        outputs="{{ nodes.t.output }}",
    )
    first = await office.run("hourly", {"who": "first"})
    assert first["status"] == "completed"
    waiting = [await office.run("hourly", {"who": str(n)}, priority=n) for n in (2, 3, 9, 4, 1)]
    assert {each["status"] for each in waiting} == {"paused"}
    async with app.state.kernel.database.unit(SYSTEM) as session:
        # Two hours pass.
        ids = [UUID(each["id"]) for each in waiting]
        past = now() - timedelta(hours=2)
        begun = update(WorkflowRun).where(WorkflowRun.id == UUID(first["id"]))
        await session.execute(begun.values(admitted_at=past))
        slept = update(WorkflowWait).where(WorkflowWait.run_id.in_(ids))
        await session.execute(slept.values(until=past))
    ended = (await office.events(waiting[2]["id"])).events[-1]
    assert (ended["type"], ended["result"]["output"]) == ("run.completed", "9")
    async with app.state.kernel.database.unit(SYSTEM) as session:
        admitted = select(WorkflowRun.id).where(
            WorkflowRun.id.in_(ids), WorkflowRun.admitted_at.is_not(None)
        )
        assert (await session.scalars(admitted)).all() == [ids[2]]


async def test_whose_turn_has_come_while_nobody_told_them_is_found(office, app):
    ask = {"id": "ask", "type": "approval", "with": {"title": "Go on?"}}
    await office.make("told", settings={"concurrency": {"limit": 1}}, nodes=[ask])
    first, second = [UUID((await office.run("told"))["id"]) for _ in range(2)]
    database, waking = app.state.kernel.database, app.state.automation.waking
    await waking.find_forgotten()
    assert await admitted(database, second) is None
    async with database.unit(SYSTEM) as session:
        # Its process dies as soon as this is committed.
        ended = update(WorkflowRun).where(WorkflowRun.id == first)
        await session.execute(ended.values(ended_at=now()))
    await waking.find_forgotten()
    async with asyncio.timeout(10):
        while await admitted(database, second) is None:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.05)


async def test_a_run_that_ends_without_letting_go_of_its_place_has_it_taken(
    office, app, monkeypatch
):
    ask = {"id": "ask", "type": "approval", "with": {"title": "Go on?"}}
    await office.make("held", settings={"concurrency": {"limit": 2}}, nodes=[ask])
    ids = [UUID((await office.run("held"))["id"]) for _ in range(3)]
    database, waking = app.state.kernel.database, app.state.automation.waking
    assert await admitted(database, ids[2]) is None

    async def unfit(*_):
        raise ValueError("lasting")

    with monkeypatch.context() as patched:
        patched.setattr(crud, "end", unfit)
        await office.post(f"/v1/workflow-runs/{ids[0]}/cancel")
        assert (await office.events(str(ids[0]))).types[-1] == "run.failed"
    assert await admitted(database, ids[2]) is None
    await waking.find_forgotten()
    async with asyncio.timeout(10):
        while await admitted(database, ids[2]) is None:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.05)


async def admitted(database, run_id):
    async with database.unit(SYSTEM) as session:
        return (await session.get_one(WorkflowRun, run_id)).admitted_at
