"""A service to make tools of, and someone who makes them."""

import pytest_asyncio

from tests.support.chat import Talker
from tests.support.identity import new_person


@pytest_asyncio.fixture(loop_scope="session")
async def talker(client):
    return Talker(client, await new_person(client))
