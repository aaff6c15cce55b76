"""A pooler between the service and Postgres."""

import asyncio
import tempfile
from pathlib import Path

import pytest
from sqlalchemy import text

from app.cli.database import SHARED, look_at_database
from app.cli.errors import CannotServe
from app.core.database_url import parse_database_url
from app.core.db import APP_ROLE, SYSTEM, Database
from tests.support.pooling import pooler

# Others PgBouncer refuses, or leaves out where it is told to.
TAKEN = {"application_name", "client_encoding", "database", "user"}
SETTINGS = text(
    "select current_user, current_setting('statement_timeout'), "
    "current_setting('idle_in_transaction_session_timeout')"
)


@pytest.fixture
def given(kernel):
    return parse_database_url(kernel.settings.database_url.get_secret_value())


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="pooler-") as found:
        yield Path(found)


@pytest.fixture
def url(given, folder):
    return f"postgresql://{given.user}@/{given.database}?host={folder}"


async def test_a_connection_begins_with_what_poolers_take(given, folder, url):
    async with pooler(folder, given.hosts[0][0], sessions=True) as made:
        database = Database(url, pool_size=1)
        try:
            async with database.unit(SYSTEM) as session:
                [settings] = await session.execute(SETTINGS)
        finally:
            await database.close()
    assert made.begun == [TAKEN]
    assert tuple(settings) == (APP_ROLE, "30s", "1min")


@pytest.mark.parametrize("sessions", [True, False])
async def test_a_pooler_that_lends_for_a_transaction_is_refused(given, folder, url, sessions):
    async with pooler(folder, given.hosts[0][0], sessions=sessions):
        looking = asyncio.to_thread(look_at_database, url)
        if sessions:
            assert await looking is not None
        else:
            with pytest.raises(CannotServe, match=SHARED):
                await looking
