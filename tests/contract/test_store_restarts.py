"""A restart of Postgres: the next request is served, and nothing is half done."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.core.db import SYSTEM, Database, sync_engine
from tests.conftest import migrated_database


@pytest.fixture
def url(stores, worker_number):
    return migrated_database(stores[0], f"restarts_{worker_number}")


def cut_connections(url):
    """What a restart does to a client: every connection is gone."""
    engine = sync_engine(url)
    with engine.connect() as connection:
        connection.execute(
            text(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where datname = current_database() and pid <> pg_backend_pid()"
            )
        )


async def test_idle_connections_that_were_cut_are_replaced_unseen(url):
    database = Database(url, pool_size=3)
    for _ in range(2):
        async with database.unit(SYSTEM) as session:
            await session.execute(text("select 1"))
        cut_connections(url)
    async with database.unit(SYSTEM) as session:
        assert await session.scalar(text("select count(*) from users")) == 0
    await database.close()


async def test_a_transaction_that_was_cut_leaves_nothing(url):
    database = Database(url, pool_size=3)
    insert = text("insert into workspaces (id, name, kind) values (gen_random_uuid(), 'w', 'team')")

    async def write_across_a_restart():
        async with database.unit(SYSTEM) as session:
            await session.execute(insert)
            cut_connections(url)
            await session.execute(insert)

    with pytest.raises(DBAPIError):
        await write_across_a_restart()
    async with database.unit(SYSTEM) as session:
        assert await session.scalar(text("select count(*) from workspaces")) == 0
    await database.close()
