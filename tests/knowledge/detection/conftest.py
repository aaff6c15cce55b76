"""Someone with an approved dictionary, at the running service."""

import pytest_asyncio

from tests.knowledge.dictionary.conftest import new_keeper


@pytest_asyncio.fixture(loop_scope="session")
async def keeper(client):
    """Whose dictionary holds by default."""
    keeper = await new_keeper(client)
    path = f"/v1/dictionaries/{keeper.dictionary_id}"
    await keeper.done("PATCH", path, {"is_default": True})
    return keeper
