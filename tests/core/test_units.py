"""Units of work: what waits for their commit, and what their errors tell."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.core import db
from app.core.db import SYSTEM, Database, Scope, on_commit
from app.core.ids import new_id

SCOPE = text(
    "select current_setting('luminous.workspace_id'), current_setting('luminous.system'), "
    "pg_backend_pid()"
)


async def test_what_waits_for_the_commit_does_not_come_with_a_savepoint(kernel):
    told = []
    async with kernel.database.unit(SYSTEM) as session:
        on_commit(session, lambda: told.append("committed"))
        async with session.begin_nested():
            await session.execute(text("select 1"))
        assert told == []
    assert told == ["committed"]


async def test_what_waits_for_the_commit_never_comes_after_a_dry_run_or_an_error(kernel):
    told = []
    async with kernel.database.unit(SYSTEM, dry_run=True) as session:
        on_commit(session, lambda: told.append("dry run"))
        async with session.begin_nested():
            await session.execute(text("select 1"))
    with pytest.raises(RuntimeError):
        await _fail(kernel, told)
    assert told == []


async def _fail(kernel, told):
    async with kernel.database.unit(SYSTEM) as session:
        on_commit(session, lambda: told.append("error"))
        raise RuntimeError


async def test_an_error_of_postgres_does_not_repeat_the_values_of_its_statement(kernel):
    wrong = text("select 1 / :zero, cast(:value as text)")
    async with kernel.database.unit(SYSTEM) as session:
        with pytest.raises(DBAPIError) as failed:
            await session.execute(wrong, {"zero": 0, "value": "orchid"})
    assert "orchid" not in str(failed.value)


async def test_each_unit_on_a_connection_serves_whom_it_names_and_nobody_else(kernel):
    served: list[tuple[str, str]] = []
    for scope in (SYSTEM, Scope(new_id()), Scope(new_id()), Scope()):
        async with kernel.database.unit(scope) as session:
            named, system, _ = (await session.execute(SCOPE)).one()
        served.append((named, system))
        expected = scope.workspace_id.hex if scope.workspace_id else ""
        assert served[-1] == (expected, "on" if scope.system else "off")
    async with kernel.database.engine.connect() as connection:
        assert (await connection.execute(SCOPE)).one()[:2] == ("", "")


async def test_what_is_no_id_is_never_made_part_of_a_scope(kernel):
    with pytest.raises(AttributeError):
        await _do_nothing(kernel, Scope("x', true), set_config('luminous.system', 'on"))


async def _do_nothing(kernel, scope):
    async with kernel.database.unit(scope):
        pass


async def test_a_connection_whose_transaction_could_not_be_opened_is_not_used_again(
    kernel, monkeypatch
):
    database = Database(kernel.settings.database_url.get_secret_value(), pool_size=1)

    async def pid():
        async with database.unit(SYSTEM) as session:
            return (await session.execute(SCOPE)).one()[2]

    try:
        before = await pid()
        with monkeypatch.context() as broken:
            broken.setattr(db, "_SET_SCOPE", "select 1 / 0")
            with pytest.raises(DBAPIError):
                await pid()
        assert await pid() != before
    finally:
        await database.close()


async def test_after_a_cancellation_anywhere_a_connection_serves_whom_it_names(kernel):
    database = Database(kernel.settings.database_url.get_secret_value(), pool_size=1)

    async def serve(scope):
        async with database.unit(scope) as session, session.begin_nested():
            return (await session.execute(SCOPE)).one()[:2]

    try:
        for turns in range(40):
            task = asyncio.create_task(serve(SYSTEM))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait({task})
            scope = Scope(new_id())
            assert await serve(scope) == (scope.workspace_id.hex, "off")
            assert database.connections()["in_use"] == 0
    finally:
        await database.close()
