"""Templates for tests, made through the API."""

import pytest

from tests.support.chat import Talker
from tests.support.identity import new_person

BODY = {
    "type": "prompt",
    "messages": [
        {
            "role": "system",
            "content": "You work for {{ company }}.{% if brief %} Be brief.{% endif %}",
        },
        {"role": "user", "content": "{{ question }}"},
    ],
}
VARIABLES = {
    "type": "object",
    "properties": {
        "company": {"type": "string", "default": "Acme"},
        "question": {"type": "string", "maxLength": 100},
        "brief": {"type": "boolean", "default": False},
    },
    "required": ["question"],
}
DEMO = "demo/chat?tokens=5&delay_ms=0"


class Maker(Talker):
    """Makes templates for one person, and calls their routes."""

    async def at(self, method, path="", body=None, *, expect=200, **headers):
        answer = await self.call(
            method,
            f"/v1/templates{path}",
            json=body,
            headers={k.replace("_", "-"): v for k, v in headers.items()},
        )
        assert answer.status_code == expect, answer.text
        return answer

    async def make(self, *, expect=201, **body):
        whole = {"name": "Answers", "variables": VARIABLES, "body": BODY, **body}
        return (await self.at("POST", "", whole, expect=expect)).json()

    async def wrong(self, path, body, expect=422):
        """The mistakes of a request: their codes by their pointers."""
        answer = (await self.at("POST", path, body, expect=expect)).json()
        return {each["pointer"]: each["code"] for each in answer["errors"]}


@pytest.fixture
async def templates(client):
    return Maker(client, await new_person(client))


@pytest.fixture
async def stranger(client):
    return Maker(client, await new_person(client))
