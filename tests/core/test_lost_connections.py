"""Postgres away, or about to go: what a transaction is told, and what it is not."""

import asyncio
import os
import signal
import socket
import tempfile
from pathlib import Path

import pytest
from asyncpg.exceptions import InternalClientError
from sqlalchemy import Integer, func, select, text
from sqlalchemy.exc import DBAPIError

from app.core import db_driver, pipeline
from app.core.db import SYSTEM, Database
from app.core.http.problems import translate
from app.core.statements import Statement
from app.runs.runs.patience import is_cut_off, is_passing

PID = Statement(select(func.pg_backend_pid(type_=Integer).label("pid")))
WRITE = text("delete from idempotency_keys where false")
STOPPING = b"SFATAL\0VFATAL\0C57P03\0Mthe database system is shutting down\0\0"


async def in_a_unit(database):
    async with database.unit(SYSTEM) as session:
        await session.execute(text("select 1"))


async def in_a_late_unit(database):
    async with database.unit(SYSTEM, late=True) as session:
        await session.execute(text("select 1"))


async def in_one_message(database):
    await database.carry_out(SYSTEM, PID.call({}))


async def asked(database):
    await database.ask(SYSTEM, PID, {})


WAYS = pytest.mark.parametrize("way", [in_a_unit, in_a_late_unit, in_one_message, asked])


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="pg-") as found:
        yield Path(found)


@pytest.fixture
async def away(folder):
    """A database whose socket is looked for in the folder."""
    database = Database(f"postgresql://postgres@/none?host={folder}")
    yield database
    await database.close()


async def refuse(reader, writer):
    """What a Postgres that is stopping says to whoever connects."""
    await reader.read(1)
    writer.write(b"E" + (len(STOPPING) + 4).to_bytes(4) + STOPPING)
    await writer.drain()
    writer.close()


@pytest.fixture
def nobody_answers(folder):
    """Something is connected to, and says nothing."""
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(folder / ".s.PGSQL.5432"))
        silent.listen()
        yield


@WAYS
async def test_a_server_that_is_stopping_is_an_error_that_passes(away, folder, way):
    async with await asyncio.start_unix_server(refuse, folder / ".s.PGSQL.5432"):
        with pytest.raises(DBAPIError, match="shutting down") as failed:
            await way(away)
    assert is_passing(failed.value)
    assert translate(failed.value).code == "store_unavailable"


@WAYS
async def test_a_server_that_is_gone_is_an_error_that_passes(away, way):
    with pytest.raises(ConnectionRefusedError) as failed:
        await way(away)
    assert is_passing(failed.value)
    assert translate(failed.value).code == "store_unavailable"


@WAYS
async def test_a_connection_whose_end_was_not_heard_of_yet_is_let_go(database, disconnect, way):
    for _ in range(3):
        pid = await pid_of(database)
        disconnect(pid)  # and no turn of the loop until the next statement
        await way(database)
        assert await pid_of(database) != pid


@WAYS
async def test_a_server_that_is_frozen_is_an_error_that_passes(database, monkeypatch, way):
    pid = await pid_of(database)
    with monkeypatch.context() as patched:
        patched.setattr(db_driver, "BEGIN_SECONDS", 0.2)
        patched.setattr(pipeline, "ANSWER_SECONDS", 0.2)
        os.kill(pid, signal.SIGSTOP)
        try:
            async with asyncio.timeout(30):
                with pytest.raises(ConnectionError, match="does not answer") as failed:
                    await way(database)
        finally:
            os.kill(pid, signal.SIGCONT)
    assert is_cut_off(failed.value)
    assert translate(failed.value).code == "store_unavailable"
    assert await pid_of(database) != pid


async def test_a_server_that_does_not_let_in_is_an_error_that_passes(folder, nobody_answers):
    database = Database(f"postgresql://postgres@/none?host={folder}&connect_timeout=1")
    try:
        with pytest.raises(ConnectionError, match="does not answer") as failed:
            await in_a_unit(database)
    finally:
        await database.close()
    assert is_cut_off(failed.value)


async def test_a_server_that_takes_no_writes_is_an_error_that_passes(database):
    async with database.unit(SYSTEM) as session:
        await session.execute(text("set default_transaction_read_only = on"))
    with pytest.raises(DBAPIError, match="read-only transaction") as in_a_unit:
        async with database.unit(SYSTEM) as session:
            await session.execute(WRITE)
    with pytest.raises(DBAPIError, match="read-only transaction") as in_one_message:
        await database.carry_out(SYSTEM, Statement(WRITE).call({}))
    for failed in (in_a_unit, in_one_message):
        assert is_cut_off(failed.value)
        assert translate(failed.value).code == "store_unavailable"


async def test_a_connection_that_ends_between_two_statements_is_an_error_that_passes(
    database, disconnect
):
    with pytest.raises(DBAPIError) as failed:
        await _cut_between(database, disconnect)
    assert isinstance(failed.value.orig.__cause__, InternalClientError)
    assert is_passing(failed.value)
    assert translate(failed.value).code == "store_unavailable"


async def _cut_between(database, disconnect):
    """asyncpg is told of the end as by Postgres, which then has not closed the connection yet."""
    async with database.unit(SYSTEM) as session:
        await session.execute(text("select 1"))
        pooled = await (await session.connection()).get_raw_connection()
        end = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection\0\0"
        protocol = pooled.driver_connection._protocol
        protocol.data_received(b"E" + (len(end) + 4).to_bytes(4) + end)
        await session.execute(text("select 1"))


async def pid_of(database):
    async with database.unit(SYSTEM) as session:
        return await session.scalar(text("select pg_backend_pid()"))
