"""Drawn examples are the same in every run; connections to Postgres that a test may break."""

from uuid import UUID

import pytest
from hypothesis import settings
from sqlalchemy import text

from app.core.db import Database, Scope, sync_engine
from tests.support.identity import new_person

# A busy machine is no failure.
settings.register_profile("luminous", deadline=None, derandomize=True, database=None)
settings.load_profile("luminous")


@pytest.fixture
async def database(kernel):
    """One connection, so that the next one who asks gets the same."""
    made = Database(kernel.settings.database_url.get_secret_value(), pool_size=1)
    yield made
    await made.close()


@pytest.fixture
async def scope(client):
    person = await new_person(client)
    return Scope(UUID(person.workspace_id))


@pytest.fixture
def disconnect(kernel):
    """Have Postgres close a connection, by the id of its process."""

    def act(pid):
        engine = sync_engine(kernel.settings.database_url.get_secret_value())
        with engine.begin() as owner:
            owner.execute(text("select pg_terminate_backend(:pid, 5000)"), {"pid": pid})
        engine.dispose()

    return act
