"""A person with kept runs."""

from uuid import UUID

import pytest_asyncio

from tests.support.chat import Talker
from tests.support.identity import new_person
from tests.support.kept_runs import Keeper


@pytest_asyncio.fixture(loop_scope="session")
async def talker(client):
    return Talker(client, await new_person(client))


@pytest_asyncio.fixture(loop_scope="session")
async def keeper(kernel, talker):
    return Keeper(kernel, UUID(talker.person.workspace_id), UUID(talker.person.user_id))
