"""A new person for every test, at the running service."""

import pytest_asyncio

from tests.support.chat import Talker
from tests.support.identity import new_person


@pytest_asyncio.fixture(loop_scope="session")
async def talker(client):
    return Talker(client, await new_person(client))
