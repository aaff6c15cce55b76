"""Someone who remembers, and time in days."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest_asyncio

from app.agents.definitions.models import Agent
from app.core.auth import Access, Permission
from app.core.db import SYSTEM
from tests.support.chat import Talker
from tests.support.identity import new_person

FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def day(number):
    return FIRST + timedelta(days=number)


def iso(number):
    return day(number).isoformat()


@pytest_asyncio.fixture(loop_scope="session")
async def talker(client):
    return Talker(client, await new_person(client))


@pytest_asyncio.fixture(loop_scope="session")
async def access(talker):
    return access_of(talker)


def access_of(talker):
    person = talker.person
    ids = UUID(person.workspace_id), UUID(person.user_id)
    return Access(*ids, frozenset(Permission), "session", uuid4())


async def remember(talker, text, **more):
    answer = await talker.call("POST", "/v1/memories", json={"text": text, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def lives_in(talker, place, start=0, end=None, **more):
    """That the user lives somewhere, from a day on."""
    span = {"valid_from": iso(start), "valid_to": None if end is None else iso(end)}
    return await remember(
        talker,
        f"The user lives in {place}.",
        subject="user",
        predicate="lives in",
        object=place,
        **span,
        **more,
    )


async def listed(talker, **query):
    answer = await talker.call("GET", "/v1/memories", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def texts(talker, **query):
    return sorted(each["text"] for each in await listed(talker, **query))


async def act(talker, memory, verb, status=200, **options):
    answer = await talker.call("POST", f"/v1/memories/{memory['id']}/{verb}", **options)
    assert answer.status_code == status, answer.text
    return answer.json()


async def new_agent(kernel, talker, slug="helper", **more):
    """An agent's row alone: what memory needs of it."""
    agent = Agent(
        workspace_id=UUID(talker.person.workspace_id),
        owner_id=UUID(talker.person.user_id),
        name=slug,
        slug=slug,
        **more,
    )
    async with kernel.database.unit(SYSTEM) as session:
        session.add(agent)
    return agent.id
