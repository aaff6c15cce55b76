"""The service starts on real stores and says so, and says when it cannot store anything."""

from dataclasses import replace

import httpx2
import pytest
from fastapi import FastAPI

from app.core.db import Database
from app.core.http.health import router


async def test_every_store_is_up(client):
    answer = await client.get("/health/ready")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "stores": {"postgres": "up", "valkey": "up", "qdrant": "up"},
    }


@pytest.fixture
async def on_standby(kernel):
    """A client of a service whose Postgres answers and takes no writes."""
    url = kernel.settings.database_url.get_secret_value()
    read_only = "options=-c%20default_transaction_read_only%3Don"
    database = Database(f"{url}{'&' if '?' in url else '?'}{read_only}", pool_size=1)
    app = FastAPI()
    app.include_router(router)
    app.state.kernel = replace(kernel, database=database)
    reach = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=reach, base_url="http://service") as http:
        yield http
    await database.close()


async def test_a_postgres_that_takes_no_writes_is_not_ready(on_standby):
    answer = await on_standby.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "unready",
        "stores": {"postgres": "read_only", "valkey": "up", "qdrant": "up"},
    }
