"""Agents for tests, made through the API."""

import pytest

from tests.support.identity import new_person


@pytest.fixture
async def person(client):
    return await new_person(client)


class Maker:
    """Makes agents for one person, and calls their routes."""

    def __init__(self, http, person):
        self.http, self.person = http, person

    async def call(self, method, path, body=None, *, expect=200, **headers):
        answer = await self.http.request(
            method,
            f"/v1/agents{path}",
            json=body,
            headers={**self.person.headers, **{k.replace("_", "-"): v for k, v in headers.items()}},
        )
        assert answer.status_code == expect, answer.text
        return answer

    async def make(self, name="Helper", *, expect=201, **body):
        answer = await self.call("POST", "", {"name": name, **body}, expect=expect)
        return answer.json()

    async def refused(self, definition, status=422):
        """The mistakes of a definition: their codes by their pointers."""
        answer = await self.make(definition=definition, expect=status)
        return {each["pointer"]: each["code"] for each in answer["errors"]}


@pytest.fixture
def agents(client, person):
    return Maker(client, person)
