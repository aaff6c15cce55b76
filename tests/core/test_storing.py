"""Late units: one message where nothing is asked, and an ordinary unit as soon as something is."""

import asyncio

import pytest
from sqlalchemy import Uuid, bindparam, event, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.core.db import SYSTEM, Scope, on_commit
from app.core.ids import new_id
from app.core.statements import Statement
from app.core.storing import STORED, later, store
from app.runs.runs import crud
from app.runs.runs.models import Run

CHANGE = Statement(
    text("update runs set kind = 'changed' where id = :of_run").bindparams(
        bindparam("of_run", type_=Uuid())
    )
)
SERVED = text("select current_setting('luminous.workspace_id')")


@pytest.fixture
def begun(database):
    """Every transaction that SQLAlchemy begins."""
    told = []
    event.listen(database.engine.sync_engine, "begin", told.append)
    return told


def a_run(scope, **more):
    values = {"workspace_id": scope.workspace_id, "user_id": new_id(), "kind": "tested"}
    return Run(id=new_id(), input={"n": 1}, **values, **more)


async def kind_of(database, run_id):
    async with database.unit(SYSTEM) as session:
        return await session.scalar(select(Run.kind).where(Run.id == run_id))


async def test_where_nothing_is_asked_all_is_written_at_the_end(database, scope, begun):
    told = []
    async with database.unit(scope, late=True) as session:
        run = a_run(scope)
        await store(session, run)
        await later(session, CHANGE, {"of_run": run.id})
        on_commit(session, lambda: told.append("committed"))
        assert (run.status, run in session, session.info[STORED]) == ("queued", False, [run])
        assert database.connections()["in_use"] == 0
    assert (begun, told) == ([], ["committed"])
    assert await kind_of(database, run.id) == "changed"


async def test_what_is_asked_finds_what_waited(database, scope, begun):
    async with database.unit(scope, late=True) as session:
        run = a_run(scope)
        await store(session, run)
        assert (await session.execute(SERVED)).scalar() == scope.workspace_id.hex
        found = select(Run.kind).where(Run.id == run.id)
        assert await session.scalar(found) == "tested"
        assert run in session
        await later(session, CHANGE, {"of_run": run.id})
        assert await session.scalar(found) == "changed"
    assert len(begun) == 1
    assert await kind_of(database, run.id) == "changed"


async def test_what_the_orm_was_given_comes_after_what_waited(database, scope):
    async with database.unit(scope, late=True) as session:
        run = a_run(scope)
        await store(session, run)
        run.kind = "set"
        await later(session, CHANGE, {"of_run": run.id})
    assert await kind_of(database, run.id) == "changed"
    async with database.unit(scope, late=True) as session:
        run = a_run(scope)
        await store(session, run)
        run.kind = "set"
    assert await kind_of(database, run.id) == "set"


async def test_after_an_error_nothing_was_written_nor_told(database, scope):
    told = []
    for ask in (False, True):
        run = a_run(scope)
        run_id = run.id
        with pytest.raises(RuntimeError):
            await _failed(database, scope, run, told, ask=ask)
        assert await kind_of(database, run_id) is None
        assert database.connections()["in_use"] == 0
    assert told == []


async def _failed(database, scope, run, told, *, ask):
    async with database.unit(scope, late=True) as session:
        await store(session, run)
        on_commit(session, lambda: told.append("committed"))
        if ask:
            await session.execute(SERVED)
        raise RuntimeError


async def test_what_postgres_refuses_at_the_end_is_told_to_nobody(database, scope):
    told, run = [], a_run(scope)
    run_id = run.id
    with pytest.raises(IntegrityError):
        await _twice(database, scope, run, told)
    assert (told, await kind_of(database, run_id)) == ([], None)
    assert database.connections()["in_use"] == 0


async def _twice(database, scope, run, told):
    async with database.unit(scope, late=True) as session:
        on_commit(session, lambda: told.append("committed"))
        await store(session, run)
        values = {"workspace_id": run.workspace_id, "user_id": run.user_id, "kind": "again"}
        await store(session, Run(id=new_id(), input={}, **values))
        await later(session, _again(), {"of_run": run.id})


def _again():
    return Statement(
        text("insert into runs select * from runs where id = :of_run").bindparams(
            bindparam("of_run", type_=Uuid())
        )
    )


async def test_it_writes_nothing_of_another_workspace(database, scope):
    run = a_run(scope)
    run_id = run.id
    with pytest.raises(DBAPIError, match="row-level security"):
        await _stored(database, Scope(new_id()), run)
    assert await kind_of(database, run_id) is None


async def _stored(database, scope, run):
    async with database.unit(scope, late=True) as session:
        await store(session, run)


async def test_what_a_savepoint_takes_back_is_not_written(database, scope):
    async with database.unit(scope, late=True) as session:
        before, within, after = a_run(scope), a_run(scope), a_run(scope)
        run_ids = [before.id, within.id, after.id]
        await store(session, before)
        with pytest.raises(RuntimeError):
            await _taken_back(session, within)
        await store(session, after)
    found = [await kind_of(database, run_id) for run_id in run_ids]
    assert found == ["tested", None, "tested"]


async def _taken_back(session, run):
    async with session.begin_nested():
        await store(session, run)
        raise RuntimeError


async def test_a_dry_run_writes_nothing_and_finds_what_is_wrong(database, scope):
    run = a_run(scope)
    async with database.unit(scope, dry_run=True, late=True) as session:
        await store(session, run)
    assert (run.kind, await kind_of(database, run.id)) == ("tested", None)
    with pytest.raises(DBAPIError):
        async with database.unit(Scope(new_id()), dry_run=True, late=True) as session:
            await store(session, a_run(scope))


async def test_a_connection_that_was_closed_meanwhile_is_let_go_for_another(
    database, scope, disconnect
):
    for ask in (False, True):
        async with database.unit(SYSTEM) as session:
            pid = await session.scalar(text("select pg_backend_pid()"))
        disconnect(pid)
        await asyncio.sleep(0.01)
        run = a_run(scope)
        async with database.unit(scope, late=True) as session:
            await store(session, run)
            if ask:
                await session.execute(SERVED)
        assert await kind_of(database, run.id) == "tested"


async def test_a_unit_of_a_run_that_is_not_held_writes_nothing(database, scope):
    run = a_run(scope, status="running", attempt=2, executor_id="another")
    await _stored(database, scope, run)
    for late in (False, True):
        for run_id, attempt in ((run.id, 1), (new_id(), 2)):
            with pytest.raises(DBAPIError) as failed:
                await _held(database, scope, run_id, attempt, run, late=late)
            assert crud.is_not_held(failed.value)
        assert await kind_of(database, run.id) == "tested"
    await _held(database, scope, run.id, 2, run, late=True)
    assert await kind_of(database, run.id) == "changed"


async def _held(database, scope, run_id, attempt, run, *, late):
    async with database.unit(scope, late=late) as session:
        await crud.hold(session, scope.workspace_id, run_id, attempt)
        await later(session, CHANGE, {"of_run": run.id})


async def test_a_division_by_zero_elsewhere_is_no_lost_run(database):
    with pytest.raises(DBAPIError) as failed:
        async with database.unit(SYSTEM) as session:
            await session.execute(text("select 1 / :number"), {"number": 0})
    assert not crud.is_not_held(failed.value)
