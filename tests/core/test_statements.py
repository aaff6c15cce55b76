"""Statements on asyncpg itself: they commit, fail and let go as a session's do."""

import asyncio

import pytest
from sqlalchemy import Integer, Text, Uuid, bindparam, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.core.audit import NOTES, REQUEST, RequestFacts
from app.core.db import SYSTEM, Scope
from app.core.ids import new_id
from app.core.statements import Statement, within
from app.core.storing import STORED, store
from app.oversight.audit.tracking import changes_of
from app.runs.runs.models import Run
from app.runs.runs.patience import is_passing

SERVED = Statement(
    text(
        "select current_setting('luminous.workspace_id') as named, "
        "current_setting('luminous.system') as system, pg_backend_pid() as pid"
    ).columns(named=Text(), system=Text(), pid=Integer())
)
OF_EACH_KIND = Statement(
    text(
        "select :id as id, 'ü, \"so\"\n' as said, -7 as number, "
        "'{\"a\": [1, null]}'::jsonb as told, null as nothing from generate_series(1, :rows)"
    )
    .bindparams(bindparam("id", type_=Uuid()), bindparam("rows", type_=Integer()))
    .columns(id=Uuid(), said=Text(), number=Integer(), told=JSONB(), nothing=Text())
)
KINDS = text("select kind, result is null, input from runs where id = :run_id")


@pytest.fixture
def close(disconnect):
    """Have Postgres close the connection of a Quick."""

    async def act(quick):
        ((_, _, pid),) = await quick.rows(SERVED, {})
        disconnect(pid)
        return pid

    return act


def a_run(scope, **more):
    values = {"workspace_id": scope.workspace_id, "user_id": new_id(), "kind": "tested"}
    return Run(id=new_id(), input={"n": 1}, **values, **more)


async def stored(database, scope):
    async with database.unit(scope) as session:
        run = a_run(scope)
        await store(session, run)
    return run


async def shown(database, scope, run_id):
    async with database.unit(scope) as session:
        return (await session.execute(KINDS, {"run_id": run_id})).one_or_none()


async def test_each_serves_whom_it_names_and_nobody_else(database):
    for scope in (SYSTEM, Scope(new_id()), Scope(new_id()), Scope()):
        expected = scope.workspace_id.hex if scope.workspace_id else ""
        assert await served(database, scope) == (expected, "on" if scope.system else "off")
    async with database.engine.connect() as connection:
        assert (await connection.execute(text(SERVED.sql))).one()[:2] == ("", "")


@pytest.mark.parametrize("rows", [0, 1, 2, 5000])
async def test_what_is_asked_is_read_as_it_was_written(database, rows):
    row_id = new_id()
    row = {"id": row_id, "said": 'ü, "so"\n', "number": -7, "told": {"a": [1, None]}}
    asked = await database.ask(SYSTEM, OF_EACH_KIND, {"id": row_id, "rows": rows})
    assert asked == [row | {"nothing": None}] * rows


async def test_its_errors_are_those_of_a_session_without_the_values(database, scope):
    run = await stored(database, scope)
    wrong = Statement(
        text("insert into runs select * from runs where id = :run_id and kind <> :value")
        .bindparams(bindparam("run_id", type_=Uuid()), bindparam("value", type_=Text()))
    )  # fmt: skip
    with pytest.raises(IntegrityError) as failed:
        await _do(database, scope, wrong, {"run_id": run.id, "value": "orchid"})
    assert "orchid" not in str(failed.value)
    assert not is_passing(failed.value)
    assert database.connections()["in_use"] == 0


async def _do(database, scope, statement, values):
    async with database.unit(scope) as session:
        await (await within(session)).do(statement, values)


async def test_a_connection_that_is_lost_in_a_session_is_an_error_that_passes(
    database, scope, close
):
    async def lose():
        async with database.unit(SYSTEM) as session:
            quick = await within(session)
            await close(quick)
            await quick.do(SERVED, {})

    with pytest.raises(DBAPIError) as failed:
        await lose()
    assert is_passing(failed.value)
    async with database.unit(scope) as session:
        assert await (await within(session)).value(SERVED, {}) == scope.workspace_id.hex


async def test_who_asks_is_not_told_of_a_connection_that_is_lost(database, disconnect):
    sleep = Statement(text("select 1 as done from pg_sleep(0.3)").columns(done=Integer()))
    ((_, _, before),) = [row.values() for row in await database.ask(SYSTEM, SERVED, {})]
    disconnect(before)
    await asyncio.sleep(0.01)
    ((_, _, after),) = [row.values() for row in await database.ask(SYSTEM, SERVED, {})]
    assert after != before
    task = asyncio.create_task(database.ask(SYSTEM, sleep, {}))
    await asyncio.sleep(0.1)
    await asyncio.to_thread(disconnect, after)
    assert len(await task) == 1
    assert database.connections()["in_use"] == 0


async def served(database, scope):
    (row,) = await database.ask(scope, SERVED, {})
    return row["named"], row["system"]


async def test_after_a_cancellation_anywhere_a_connection_serves_whom_it_names(database):
    for turns in range(40):
        task = asyncio.create_task(served(database, SYSTEM))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        scope = Scope(new_id())
        assert await served(database, scope) == (scope.workspace_id.hex, "off")
        assert database.connections()["in_use"] == 0


async def test_within_a_session_it_sees_what_the_session_was_given(database, scope):
    run = a_run(scope)
    kind = Statement(select(Run.kind).where(Run.id == bindparam("run_id", type_=Uuid())))
    with pytest.raises(RuntimeError):
        await _given(database, scope, run, kind)
    assert await shown(database, scope, run.id) is None


async def _given(database, scope, run, kind):
    async with database.unit(scope) as session:
        session.add(run)
        quick = await within(session)
        assert await quick.value(kind, {"run_id": run.id}) == "tested"
        assert await within(session) is quick
        raise RuntimeError


async def test_a_row_that_was_stored_has_its_defaults_and_is_the_sessions(database, scope):
    async with database.unit(scope) as session:
        run = a_run(scope)
        await store(session, run)
        assert (run.status, run.result, run.created_at.tzinfo is None) == ("queued", None, False)
        run.kind = "changed"
    told = await shown(database, scope, run.id)
    # What was not given is null, and no `null` of JSON.
    assert tuple(told) == ("changed", True, {"n": 1})


async def test_a_row_that_was_stored_in_a_dry_run_can_still_be_shown(database, scope):
    async with database.unit(scope, dry_run=True) as session:
        run = a_run(scope)
        await store(session, run)
    assert (run.kind, run.status) == ("tested", "queued")
    assert await shown(database, scope, run.id) is None


async def test_a_row_that_was_stored_is_told_as_one_that_was_flushed(database, scope):
    facts = RequestFacts("tested", "req_1", "", "")
    told = []
    for act in (store, _flush):
        async with database.unit(scope) as session:
            session.info[REQUEST] = facts
            run = a_run(scope)
            await act(session, run)
            run.kind = "changed"
            await session.flush()
            (change,) = changes_of(session)
            assert (change.kind, change.resource_id) == ("created", str(run.id))
            told.append({**change.after, "id": None, "user_id": None})
            session.info[NOTES] = []
            session.info.pop(REQUEST)
    assert told[0] == told[1]


async def _flush(session, row):
    session.add(row)
    await session.flush()


async def test_what_a_savepoint_takes_back_was_not_stored(database, scope):
    async with database.unit(scope) as session:
        session.info[REQUEST] = RequestFacts("tested", "req_1", "", "")
        with pytest.raises(RuntimeError):
            await _taken_back(session, scope)
        assert (changes_of(session), session.info[STORED]) == ([], [])


async def _taken_back(session, scope):
    async with session.begin_nested():
        await store(session, a_run(scope))
        raise RuntimeError
