"""Requests are counted once, in one place, and every answer of a counted route says how it stands."""

from contextlib import asynccontextmanager

import httpx2

from app.core.kernel import connect_valkey
from app.main import create_app
from tests.conftest import serve


@asynccontextmanager
async def limited(settings, **limits):
    """The service under limits of its own; buckets that other tests filled are forgotten."""
    valkey = connect_valkey(settings.redis_url.get_secret_value())
    if stale := [key async for key in valkey.scan_iter("limit:*")]:
        await valkey.delete(*stale)
    await valkey.aclose()
    app = create_app(settings.model_copy(update=limits))
    server, task, url = await serve(app)
    async with httpx2.AsyncClient(base_url=url, timeout=20) as http:
        yield app, http
    server.should_exit = True
    await task
