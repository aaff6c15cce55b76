"""Agents with tools that tell what was asked of them, and the clients that watch them."""

import pytest
import pytest_asyncio

from tests.agents.frontends.javascript_clients import frontends, missing
from tests.agents.runtime.conftest import agency, bench, fake

__all__ = ["agency", "bench", "fake"]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser():
    if reason := missing():
        pytest.skip(reason)
    async with frontends() as clients:
        yield clients
