"""A person with an agent, a scripted provider, and tools that tell what was asked of them."""

import pytest
import pytest_asyncio

from tests.support.agents import Agency, Bench
from tests.support.chat import Talker, connected
from tests.support.fakes.openai import FakeOpenAI
from tests.support.identity import new_person


@pytest.fixture
def bench(app, address):
    """Tools of this test, at the running service."""
    registry = app.state.agents.tools
    bench, before = Bench(), registry._sources.get("test")
    registry._sources["test"] = bench
    yield bench
    if before is None:
        del registry._sources["test"]
    else:
        registry._sources["test"] = before


@pytest_asyncio.fixture(loop_scope="session")
async def fake():
    return FakeOpenAI()


@pytest_asyncio.fixture(loop_scope="session")
async def agency(client, fake, bench):
    talker = Talker(client, await new_person(client))
    async with connected(talker, fake) as slug:
        yield Agency(talker, fake, bench, f"{slug}/gpt-4o")
