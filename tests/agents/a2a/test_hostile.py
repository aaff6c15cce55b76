"""Agents of other services that answer with what nobody can read, or never come to an end."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from app.agents.a2a import asking
from tests.conftest import serve

CARD = (
    b'{"name": "Odd", "description": "d", "version": "1", "capabilities": {"streaming": true},'
    b'"supportedInterfaces": [{"url": "%s/rpc", "protocolBinding": "JSONRPC",'
    b'"protocolVersion": "1.0"}], "defaultInputModes": [], "defaultOutputModes": [], "skills": []}'
)
DEEP = b"[" * 100_000


class Odd:
    """Gives `answer` to all that it is asked; without one, its card comes a byte at a time."""

    def __init__(self, status, kind, answer):
        self.status, self.kind, self.answer = status, kind, answer
        self.url = ""

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return
        card = scope["method"] == "GET"
        status, kind = (200, b"application/json") if card else (self.status, self.kind)
        headers = [(b"content-type", kind)]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        while self.answer is None:
            await send({"type": "http.response.body", "body": b" ", "more_body": True})
            await asyncio.sleep(0.01)
        body = CARD % self.url.encode() if card else self.answer
        await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def odd(status=200, kind=b"application/json", answer=None):
    app = Odd(status, kind, answer)
    server, task, app.url = await serve(app)
    try:
        yield app
    finally:
        server.should_exit = True
        await task


async def added(agency, there):
    body = {"slug": "odd", "card_url": there.url, "trusted": True}
    return await agency.talker.call("POST", "/v1/remote-agents", json=body)


async def test_a_card_that_never_ends_is_waited_for_no_longer_than_another(agency, monkeypatch):
    monkeypatch.setattr(asking, "SECONDS", 0.5)
    async with odd() as there:
        answer = await added(agency, there)
        there.answer = b""
    assert (answer.status_code, answer.json()["code"]) == (422, "a2a_card_unusable")


@pytest.mark.parametrize(
    ("status", "kind", "answer", "said"),
    [
        (200, b"application/json", DEEP, "it cannot be understood (RecursionError)"),
        (200, b"text/event-stream", b"data: " + DEEP + b"\n\n", "it cannot be understood"),
        (200, b"application/json", b"\x00\xff{", "it cannot be understood"),
        (307, b"text/plain", b"", "HTTP Error 307"),
    ],
)
async def test_what_cannot_be_read_is_told_in_a_line(agency, status, kind, answer, said):
    async with odd(status, kind, answer) as there:
        assert (await added(agency, there)).status_code == 201
        agent = await agency.make(tools=[{"tool": "a2a:odd"}])
        agency.calls(("ask_odd", {"message": "Hello?"}))
        agency.says("No.")
        assert (await agency.run(agent))["text"] == "No."
    told = agency.fake.last.body["messages"][-1]["content"]
    assert f"The agent could not be asked: {said}" in told
    assert "developer.mozilla.org" not in told
