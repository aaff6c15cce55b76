"""Several statements in one message: one transaction, which fails and lets go as others do."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import pytest
from sqlalchemy import (
    ARRAY,
    DateTime,
    Float,
    Integer,
    Numeric,
    Text,
    Uuid,
    bindparam,
    event,
    text,
)
from sqlalchemy.dialects.postgresql import BYTEA, JSONB
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.core.db import SYSTEM, Scope
from app.core.ids import new_id
from app.core.statements import Statement, within
from app.runs.runs.patience import is_passing

SERVED = Statement(
    text("select current_setting('luminous.workspace_id'), current_setting('luminous.system')")
)
EXPECT_SERVED = Statement(
    text(
        "select 1 where current_setting('luminous.workspace_id') = :named "
        "and current_setting('luminous.system') = :system"
    ).bindparams(bindparam("named", type_=Text()), bindparam("system", type_=Text()))
)
PID = Statement(text("select pg_backend_pid() as pid").columns(pid=Integer()))
KEEP = Statement(
    text(
        "insert into idempotency_keys (id, key_hash, workspace_id, fingerprint) "
        "values (:id, :hash, :workspace_id, '')"
    ).bindparams(
        bindparam("id", type_=Uuid()),
        bindparam("hash", type_=BYTEA()),
        bindparam("workspace_id", type_=Uuid()),
    )
)
DIVIDE = Statement(
    text("select 1 / :number, :said").bindparams(
        bindparam("number", type_=Integer()), bindparam("said", type_=Text())
    )
)


class Colour(StrEnum):
    RED = "red"


def kept(**more):
    values = {"id": new_id(), "hash": new_id().bytes, "workspace_id": None}
    return KEEP.call(values | more)


async def count(database, *calls):
    """How many of the rows are there."""
    found = Statement(
        text("select count(*) from idempotency_keys where id = any(:ids)").bindparams(
            bindparam("ids", type_=ARRAY(Uuid))
        )
    )
    ids = {"ids": [call.values[0] for call in calls]}
    async with database.unit(SYSTEM) as session:
        return await (await within(session)).value(found, ids)


@pytest.mark.parametrize(
    ("type_", "value", "there"),
    [
        (Text(), "plain", "'plain'"),
        (Text(), "", "''"),
        (Text(), "it's \"so\" \\ $1 \n ü 💡", "E'it''s \"so\" \\\\ $1 \\n ü 💡'"),
        (Text(), Colour.RED, "'red'"),
        (Text(), None, "null"),
        (Integer(), -7, "-7"),
        (Float(), 0.1, "0.1::float8"),
        (Numeric(18, 9), Decimal("0.000000001"), "0.000000001"),
        (Numeric(18, 9), Decimal("1E+3"), "1000"),
        (Uuid(), UUID(int=5), "'00000000-0000-0000-0000-000000000005'::uuid"),
        (DateTime(timezone=True), datetime(2026, 1, 2, 3, 4, 5, 6, UTC),
         "'2026-01-02 03:04:05.000006+00'::timestamptz"),
        (DateTime(timezone=True), datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=-5))),
         "'2026-01-02 08:00+00'::timestamptz"),
        (BYTEA(), b"\x00\xff'\\", "'\\x00ff275c'::bytea"),
        (JSONB(), {"a": [1, "it's \"so\"", None]}, "'{\"a\": [1, \"it''s \\\"so\\\"\", null]}'::jsonb"),  # noqa: E501
        (ARRAY(Integer), [1, -2], "array[1, -2]"),
        (ARRAY(Text), [], "array[]::text[]"),
        (ARRAY(Text), ["a,b", 'say "x"', "\\", "{}", "NULL", "", None],
         "array['a,b', 'say \"x\"', E'\\\\', '{}', 'NULL', '', null]"),
        (ARRAY(Uuid), (UUID(int=5),), "array['00000000-0000-0000-0000-000000000005'::uuid]"),
    ],
)  # fmt: skip
async def test_a_value_is_there_as_it_was_given(database, type_, value, there):
    same = Statement(
        text("select 1 where :value is not distinct from " + there).bindparams(  # noqa: S608 - of the test
            bindparam("value", type_=type_)
        )
    )
    assert await database.carry_out(SYSTEM, same.call({"value": value})) == [1]
    # asyncpg means the same by it.
    async with database.unit(SYSTEM) as session:
        assert await (await within(session)).value(same, {"value": value}) == 1


async def test_what_is_no_value_is_refused_and_costs_no_connection(database):
    said = Statement(text("select :said").bindparams(bindparam("said", type_=Text())))
    for wrong in (object(), "\ud800", "nul \0"):
        with pytest.raises(DBAPIError):
            await database.carry_out(SYSTEM, PID.call({}), said.call({"said": wrong}))
        assert database.connections()["in_use"] == 0
    assert await database.carry_out(SYSTEM, said.call({"said": "words"})) == [1]


async def test_it_tells_how_many_rows_each_has_found_or_changed(database):
    first, second = kept(), kept()
    several = Statement(text("select * from generate_series(1, 1000)"))
    none = Statement(text("select 1 where false"))
    calls = (first, several.call({}), none.call({}), second)
    assert await database.carry_out(SYSTEM, *calls) == [1, 1000, 0, 1]
    assert await count(database, first, second) == 2


async def test_it_is_one_transaction(database):
    first, last = kept(), kept()
    with pytest.raises(DBAPIError) as failed:
        await database.carry_out(SYSTEM, first, DIVIDE.call({"number": 0, "said": "orchid"}), last)
    assert failed.value.statement == DIVIDE.sql
    assert failed.value.orig.sqlstate == "22012"
    assert "orchid" not in str(failed.value)
    assert not is_passing(failed.value)
    assert await count(database, first, last) == 0
    # The connection goes on with the same statements.
    assert await database.carry_out(SYSTEM, first, last) == [1, 1]
    assert await count(database, first, last) == 2


async def test_an_error_is_that_of_a_session(database):
    with pytest.raises(IntegrityError):
        await database.carry_out(SYSTEM, *[kept(hash=b"same")] * 2)


async def test_each_serves_whom_it_names_and_nobody_else(database):
    for scope in (SYSTEM, Scope(new_id()), Scope(new_id()), Scope()):
        named = scope.workspace_id.hex if scope.workspace_id else ""
        system = "on" if scope.system else "off"
        expected = EXPECT_SERVED.call({"named": named, "system": system})
        assert await database.carry_out(scope, expected) == [1]
    async with database.engine.connect() as connection:
        assert (await connection.execute(text(SERVED.sql))).one() == ("", "")


async def test_it_writes_nothing_of_another_workspace(database):
    foreign = kept(workspace_id=new_id())
    with pytest.raises(DBAPIError, match="row-level security"):
        await database.carry_out(Scope(new_id()), foreign)
    assert await count(database, foreign) == 0


async def test_a_statement_is_told_to_a_connection_once(database):
    for _ in range(3):
        await database.carry_out(SYSTEM, kept())
    told = text("select count(*) from pg_prepared_statements where name like 'luminous%'")
    async with database.unit(SYSTEM) as session:
        assert await session.scalar(told) == 2


async def test_a_connection_that_was_closed_meanwhile_is_let_go_for_another(database, disconnect):
    disconnect(await pid_of(database))
    await asyncio.sleep(0.01)
    call = kept()
    assert await database.carry_out(SYSTEM, call) == [1]
    assert await count(database, call) == 1


async def test_a_connection_that_is_lost_in_it_is_an_error_that_passes(database, disconnect):
    pid, call = await pid_of(database), kept()
    sleep = Statement(text("select pg_sleep(20)"))
    task = asyncio.create_task(database.carry_out(SYSTEM, call, sleep.call({}), PID.call({})))
    await asyncio.sleep(0.1)
    await asyncio.to_thread(disconnect, pid)
    with pytest.raises(DBAPIError) as failed:
        await task
    assert is_passing(failed.value)
    assert database.connections()["in_use"] == 0
    assert await count(database, call) == 0


async def pid_of(database):
    ((pid,),) = [row.values() for row in await database.ask(SYSTEM, PID, {})]
    return pid


async def test_a_connection_that_lies_idle_is_asked_past_the_pool(database):
    pid, taken = await pid_of(database), []
    event.listen(database.engine.sync_engine, "checkout", lambda *told: taken.append(told))
    asked = asyncio.create_task(pid_of(database))
    await asyncio.sleep(0)
    assert database.connections()["in_use"] == 1
    assert (await asked, taken) == (pid, [])
    assert database.connections()["in_use"] == 0


async def test_after_a_cancellation_anywhere_a_connection_serves_whom_it_names(database):
    for turns in range(20):
        task = asyncio.create_task(database.carry_out(SYSTEM, PID.call({}), SERVED.call({})))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        scope = Scope(new_id())
        expected = EXPECT_SERVED.call({"named": scope.workspace_id.hex, "system": "off"})
        assert await database.carry_out(scope, expected) == [1]
        assert database.connections()["in_use"] == 0
