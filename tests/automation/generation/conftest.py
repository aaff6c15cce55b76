"""A person at the API, a model that is scripted, and runs that were kept."""

import json
from uuid import UUID

import pytest_asyncio

from tests.support.chat import Talker
from tests.support.fakes.base import Said, say
from tests.support.identity import new_person, until
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


async def helped(talker, what, *, expect=202, **body):
    """Ask for help, and wait for the end of its run."""
    begun = await talker.call("POST", f"/v1/workflows/{what}", json={"model": MODEL, **body})
    assert begun.status_code == expect, begun.text
    if expect != 202:
        return begun.json()
    path = f"/v1/runs/{begun.json()['id']}"
    assert begun.headers["location"] == path

    async def is_over():
        run = (await talker.call("GET", path)).json()
        return run["status"] not in ("queued", "running")

    await until(is_over, seconds=30)
    return (await talker.call("GET", path)).json()


def answer(definition, **more):
    """What a model says: the definition is JSON in a string."""
    said = {"nodes": [], "assumptions": [], "missing": [], **more}
    return {"definition": json.dumps(definition), **said}
