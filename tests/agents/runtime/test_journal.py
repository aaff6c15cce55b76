"""The journal's rows: each place is one, and only whoever holds the run writes it."""

import asyncio
from types import SimpleNamespace
from uuid import UUID

import pytest
from sqlalchemy import select, text

from app.agents.runtime import crud
from app.agents.runtime.journal import Journal
from app.agents.runtime.models import Execution, ExecutionStep
from app.core.clock import now
from app.core.db import Database, Scope
from app.core.ids import new_id
from app.core.storing import store
from app.runs.events.errors import RunLost
from app.runs.runs.models import Run
from tests.support.cutting import end_who_waits
from tests.support.identity import new_person, until

PLACE = ("", 1, "")
STEP = {"kind": "model", "agent_slug": "tested", "name": "test/model", "context": {"shown": ["Hi"]}}


@pytest.fixture
async def held(kernel, client):
    """A run under way, as who holds it sees it; of a kind that nobody else takes up."""
    person = await new_person(client)
    workspace_id, user_id, run_id = UUID(person.workspace_id), new_id(), new_id()
    whose = {"id": run_id, "workspace_id": workspace_id, "user_id": user_id}
    scope = Scope(workspace_id, user_id)
    async with kernel.database.unit(scope) as session:
        more = {"status": "running", "attempt": 1, "executor_id": "tested"}
        await store(session, Run(**whose, kind="tested", input={}, **more))
        asked = {"definition": {}, "messages": [], "purpose": "agent_run", "variables": {}}
        named = {"agent_slug": "tested", "agent_name": "Tested"}
        await store(session, Execution(**whose, **asked, **named))
    return SimpleNamespace(run_id=run_id, workspace_id=workspace_id, attempt=1, scope=scope)


async def steps(kernel, held):
    async with kernel.database.unit(held.scope) as session:
        found = await session.scalars(
            select(ExecutionStep).where(ExecutionStep.execution_id == held.run_id)
        )
        return [(each.id, each.status, each.context) for each in found]


async def seize(kernel, held):
    async with kernel.database.unit(held.scope) as session:
        await session.execute(
            text("update runs set attempt = 2 where id = :id"), {"id": held.run_id}
        )


async def test_a_step_that_was_begun_is_begun_again_in_its_place(kernel, held):
    before = await Journal(kernel.database, held).begin(PLACE, STEP)
    journal = Journal(kernel.database, held)
    await journal.load()
    assert journal.begun(PLACE).id == before.id
    context = {"shown": ["Hi again"]}
    again = await journal.begin(PLACE, STEP | {"context": context})
    assert await steps(kernel, held) == [(again.id, "started", context)]
    assert again.id != before.id


async def test_a_step_that_has_ended_is_not_begun_again(kernel, held):
    journal = Journal(kernel.database, held)
    step = await journal.begin(PLACE, STEP)
    await journal.end(step, {"text": "Hello"})
    assert journal.ended(PLACE) is step
    with pytest.raises(RunLost):
        await Journal(kernel.database, held).begin(PLACE, STEP)
    assert await steps(kernel, held) == [(step.id, "ended", STEP["context"])]


async def test_who_has_lost_the_run_begins_nothing_and_changes_nothing(kernel, held):
    journal = Journal(kernel.database, held)
    step = await journal.begin(PLACE, STEP)
    await seize(kernel, held)
    for place in (PLACE, ("", 2, "")):
        with pytest.raises(RunLost):
            await journal.begin(place, STEP | {"context": {}})
    assert await steps(kernel, held) == [(step.id, "started", STEP["context"])]


@pytest.mark.parametrize("begins_before", [True, False])
async def test_what_is_told_twice_of_a_step_counts_once(begins_before, kernel, held):
    journal = Journal(kernel.database, held)
    step = journal.begin_held(PLACE, STEP)
    values = {"name": step.name, "outcome": {"text": "Hello"}, "is_error": False}
    values |= {"input_tokens": 3, "output_tokens": 4, "cost_usd": None, "first_token_ms": None}
    values |= {"status": "ended", "ended_at": now()}
    changes = [crud.whole_step(step, values, 1, 1.5)]
    if begins_before:
        changes = [crud.begun_step(step, 1), crud.ended_step(step, values, 1.5), *changes]
    for statement, told in changes:
        for _ in range(2):
            await kernel.database.carry_out(held.scope, statement.call(told))
    assert await steps(kernel, held) == [(step.id, "ended", STEP["context"])]
    assert await active_seconds(kernel, held) == 1.5
    journal.rest()


@pytest.fixture
def patient(monkeypatch):
    """However slow the machine is, nothing that is held is written before it has to be."""
    monkeypatch.setattr("app.agents.runtime.journal.HELD_SECONDS", 600)


async def test_a_step_that_is_held_is_written_with_its_end(kernel, held, patient):
    journal = Journal(kernel.database, held)
    step = journal.begin_held(PLACE, STEP)
    assert journal.begun(PLACE) is step
    assert await steps(kernel, held) == []
    await journal.end(step, {"text": "Hello"})
    assert journal.ended(PLACE) is step
    assert await steps(kernel, held) == [(step.id, "ended", STEP["context"])]
    assert await active_seconds(kernel, held) == pytest.approx(journal.seconds)
    again = Journal(kernel.database, held)
    await again.load()
    assert again.ended(PLACE).outcome == {"text": "Hello"}


async def test_a_step_that_is_held_is_written_once_it_lasts(kernel, held):
    journal = Journal(kernel.database, held)
    step = journal.begin_held(PLACE, STEP)
    await until(lambda: steps(kernel, held), 60)
    assert await steps(kernel, held) == [(step.id, "started", STEP["context"])]
    await journal.end(step, {"text": "Hello"})
    assert await steps(kernel, held) == [(step.id, "ended", STEP["context"])]
    assert await active_seconds(kernel, held) == pytest.approx(journal.seconds)


async def test_a_held_step_takes_the_place_of_one_that_a_dead_process_had_begun(kernel, held):
    await Journal(kernel.database, held).begin(PLACE, STEP)
    journal = Journal(kernel.database, held)
    await journal.load()
    step = journal.begin_held(PLACE, STEP | {"context": {"shown": ["Hi again"]}})
    await journal.end(step, {"text": "Hello"})
    assert await steps(kernel, held) == [(step.id, "ended", {"shown": ["Hi again"]})]


async def test_a_run_that_ends_meanwhile_keeps_what_was_held(kernel, held, patient):
    journal = Journal(kernel.database, held)
    step = journal.begin_held(PLACE, STEP)
    for _ in range(2):  # as where the run's end had to be written twice
        async with kernel.database.unit(held.scope) as session:
            await journal.settle(session)
    assert await steps(kernel, held) == [(step.id, "started", STEP["context"])]


async def test_who_has_lost_the_run_writes_nothing_of_what_was_held(kernel, held, patient):
    journal = Journal(kernel.database, held)
    step = journal.begin_held(PLACE, STEP)
    await seize(kernel, held)
    await journal.end(step, {"text": "Hello"})
    assert await steps(kernel, held) == []
    assert await active_seconds(kernel, held) == 0


@pytest.fixture
async def database(kernel):
    """One connection to Postgres."""
    database = Database(kernel.settings.database_url.get_secret_value(), pool_size=1)
    yield database
    await database.close()


async def test_a_step_is_kept_though_postgres_ends_the_connection_over_it(kernel, held, database):
    url = kernel.settings.database_url.get_secret_value()
    journal = Journal(database, held)
    step = await journal.begin(PLACE, STEP)
    async with kernel.database.unit(held.scope) as session:
        await session.execute(
            text("select id from executions where id = :id for update"), {"id": held.run_id}
        )
        ending = asyncio.create_task(journal.end(step, {"text": "Hello"}))
        while not await asyncio.to_thread(end_who_waits, url):  # noqa: ASYNC110 - Postgres says it
            await asyncio.sleep(0.01)
    await asyncio.wait_for(ending, 10)
    assert await steps(kernel, held) == [(step.id, "ended", STEP["context"])]
    assert await active_seconds(kernel, held) == pytest.approx(journal.seconds)


async def active_seconds(kernel, held):
    async with kernel.database.unit(held.scope) as session:
        return await session.scalar(
            select(Execution.active_seconds).where(Execution.id == held.run_id)
        )
