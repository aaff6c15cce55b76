"""Workflows for tests, made through the API."""

import pytest

from tests.support.identity import new_person


def flow(*nodes, **more):
    """A definition; without nodes it says hello."""
    hello = {"id": "hello", "type": "transform", "with": {"value": "Hello"}}
    return {"dsl": "flow/1", "nodes": list(nodes) or [hello], **more}


def saying(text):
    return flow({"id": "hello", "type": "transform", "with": {"value": text}})


@pytest.fixture
async def person(client):
    return await new_person(client)


class Maker:
    """Makes workflows for one person, and calls their routes."""

    def __init__(self, http, person):
        self.http, self.person = http, person

    async def call(self, method, path, body=None, *, expect=200, **headers):
        answer = await self.http.request(
            method,
            f"/v1/workflows{path}",
            json=body,
            headers={**self.person.headers, **{k.replace("_", "-"): v for k, v in headers.items()}},
        )
        assert answer.status_code == expect, answer.text
        return answer

    async def make(self, name="Greeting", *, expect=201, **body):
        body = {"name": name, "definition": flow(), **body}
        return (await self.call("POST", "", body, expect=expect)).json()

    async def validated(self, definition):
        return (await self.call("POST", "/validate", {"definition": definition})).json()


@pytest.fixture
def workflows(client, person):
    return Maker(client, person)
