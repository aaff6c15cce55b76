"""Someone with a dictionary."""

import pytest_asyncio

from tests.knowledge.exchange.desk import Desk
from tests.support.identity import new_person


@pytest_asyncio.fixture(loop_scope="session")
async def desk(client):
    return await Desk.open(client, await new_person(client))
