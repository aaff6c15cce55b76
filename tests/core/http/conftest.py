"""A second service over the same stores, with settings of its own."""

from contextlib import asynccontextmanager

import httpx2
import pytest

from app.core.kernel import connect_valkey
from app.main import create_app
from tests.conftest import serve
from tests.support.identity import new_person


@pytest.fixture
def serving(address, settings, tmp_path_factory):
    """`async with serving(cors_origins=…) as (app, http)`; nobody has been counted yet."""

    @asynccontextmanager
    async def begin(**changes):
        valkey = connect_valkey(settings.redis_url.get_secret_value())
        if counted := [key async for key in valkey.scan_iter("limit:*")]:
            await valkey.delete(*counted)
        await valkey.aclose()
        changes |= {
            "data_dir": tmp_path_factory.mktemp("second"),
            "master_key_file": settings.data_dir / "master.key",
        }
        app = create_app(settings.model_copy(update=changes))
        server, task, url = await serve(app)
        try:
            async with httpx2.AsyncClient(base_url=url, timeout=20) as http:
                yield app, http
        finally:
            server.should_exit = True
            await task

    return begin


@pytest.fixture(scope="module")
async def person(address):
    async with httpx2.AsyncClient(base_url=address, timeout=20, verify=False) as http:
        yield await new_person(http)
