"""Units of work: what waits for their commit, and what their errors tell."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.core.db import SYSTEM, on_commit


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
