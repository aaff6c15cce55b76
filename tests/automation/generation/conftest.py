"""A person at the API, a model that is scripted, and runs that were kept."""

import json
from uuid import UUID

import pytest_asyncio

from tests.support.chat import Talker
from tests.support.fakes.base import Said, say
from tests.support.identity import new_person
from tests.support.kept_runs import Keeper

MODEL = "openai/gpt-4o"


@pytest_asyncio.fixture(loop_scope="session")
async def talker(client):
    return Talker(client, await new_person(client))


@pytest_asyncio.fixture(loop_scope="session")
async def keeper(kernel, talker):
    return Keeper(kernel, UUID(talker.person.workspace_id), UUID(talker.person.user_id))


def told(*answers):
    return [say(Said((each if isinstance(each, str) else json.dumps(each),))) for each in answers]


def posted(fake):
    return [request.body["messages"] for request in fake.requests if request.method == "POST"]


async def helped(talker, what, *, expect=200, **body):
    """Ask for help, and wait for the end of its run."""
    path = f"/v1/workflows/{what}"
    over = await talker.call("POST", path, json={"model": MODEL, **body}, timeout=30)
    assert over.status_code == expect, over.text
    if expect == 200:
        assert over.headers["location"] == f"/v1/runs/{over.json()['id']}"
    return over.json()


def answer(definition, **more):
    """What a model says: the definition is JSON in a string."""
    said = {"nodes": [], "assumptions": [], "missing": [], **more}
    return {"definition": json.dumps(definition), **said}
