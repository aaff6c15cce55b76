"""Servers that say too much, too often or too long, and none of it an answer."""

import asyncio
import json

import anyio
import pytest
from mcp.shared.message import SessionMessage
from mcp.types import JSONRPCNotification, JSONRPCRequest

from app.agents.mcp_servers import guarding, linking, pacing, pool
from app.agents.mcp_servers.pacing import Paced
from app.agents.mcp_servers.sifting import Sieve
from app.agents.tools.tool import ToolFault
from app.core.causes import count_behind
from tests.agents.mcp.conftest import access_of, context, served, wiki
from tests.support.identity import until

ENDED_AT_ONCE = b"id: 1\nretry: 0\nevent: message\ndata: \n\n"


class Talkative:
    """A server of 2025 with one tool; `listening` is what it does with a stream that is opened."""

    def __init__(self, *, calling=None, listening=None):
        self.asked = []
        self.left = asyncio.Event()
        self._calling, self._listening = calling, listening

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return
        message = json.loads((await receive())["body"] or b"{}")
        method = message.get("method", scope["method"])
        self.asked.append(method)
        streamed = {"GET": self._listening, "tools/call": self._calling}.get(method)
        if streamed is not None:
            await self._stream(streamed, receive, send)
            return
        known = {
            "initialize": {
                "protocolVersion": "2025-06-18",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "talkative", "version": "1"},
            },
            "tools/list": {"tools": [{"name": "tell", "inputSchema": {"type": "object"}}]},
            "tools/call": {"content": [{"type": "text", "text": "told"}]},
        }
        answer = {"jsonrpc": "2.0", "id": message.get("id"), "result": known.get(method)}
        await self._answer(send, 200 if method in known else 405, answer)

    async def _answer(self, send, status, answer):
        kind = b"application/json" if status == 200 else b"text/plain"
        headers = [(b"content-type", kind), (b"mcp-session-id", b"s")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    async def _stream(self, said, receive, send):
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        more = said != ENDED_AT_ONCE
        await send({"type": "http.response.body", "body": said, "more_body": more})
        if more:
            while (await receive())["type"] != "http.disconnect":
                pass
            self.left.set()


async def test_a_stream_that_ends_at_once_is_not_asked_for_at_once(
    talker, confirmed, opened, monkeypatch
):
    monkeypatch.setattr(guarding, "APART_SECONDS", 3600)
    server = Talkative(listening=ENDED_AT_ONCE)
    async with served(server) as serving:
        await confirmed(serving.url)
        [tool] = await opened("mcp:wiki/tell")
        for _ in range(5):
            assert (await tool.call(context(access_of(talker)), {})).text == "told"
        assert server.asked.count("GET") <= 2  # the service's own session, and this test's


async def test_an_answer_that_nobody_waits_for_is_not_listened_to(
    talker, confirmed, opened, source, monkeypatch
):
    monkeypatch.setattr(pool, "LOOK_SECONDS", 0.05)
    server = Talkative(calling=b": a while yet\n\n")
    async with served(server) as serving:
        await confirmed(serving.url, timeout_seconds=1)
        [tool] = await opened("mcp:wiki/tell")
        with pytest.raises(ToolFault) as fault:
            await tool.call(context(access_of(talker)), {})
        assert fault.value.code == "timeout"
        async with asyncio.timeout(10):
            await server.left.wait()
        assert source.links.count() == 0


async def test_a_stream_of_nothing_ends(talker, confirmed, opened, monkeypatch):
    monkeypatch.setattr(guarding, "MOST_BYTES", 100_000)
    server = Talkative(calling=b": nothing\n\n" * 20_000)
    async with served(server) as serving:
        await confirmed(serving.url)
        [tool] = await opened("mcp:wiki/tell")
        with pytest.raises(ToolFault) as fault:
            await tool.call(context(access_of(talker)), {})
    assert "larger than 100000 bytes" in fault.value.message


async def test_a_streamed_answer_may_be_as_large_as_another(talker, confirmed, opened):
    result = {"content": [{"type": "text", "text": "x" * 3_000_000}]}
    message = json.dumps({"jsonrpc": "2.0", "id": 1, "result": result})
    server = Talkative(calling=f"event: message\ndata: {message}\n\n".encode())
    async with served(server) as serving:
        await confirmed(serving.url)
        [tool] = await opened("mcp:wiki/tell")
        answer = await tool.call(context(access_of(talker)), {})
    assert "left out]" in answer.text


@pytest.mark.parametrize(
    ("message", "count", "seconds"),
    [
        (JSONRPCNotification(jsonrpc="2.0", method="notifications/progress"), 200, 0.3),
        (JSONRPCRequest(jsonrpc="2.0", id=1, method="sampling/createMessage"), 3, 0.5),
    ],
)
async def test_a_flood_is_taken_slowly(monkeypatch, message, count, seconds):
    monkeypatch.setattr(pacing, "AHEAD_SECONDS", 0.1)
    send, receive = anyio.create_memory_object_stream(count)
    loop = asyncio.get_running_loop()
    async with send, Paced(receive, Sieve()) as said:
        begun = loop.time()
        for _ in range(count):
            send.send_nowait(SessionMessage(message))
            assert await anext(said)
        assert loop.time() - begun > seconds * 0.99


async def test_who_asks_for_a_credential_or_says_rubbish_is_told_of_so(talker, add_server):
    answers = [(401, b"{}", "it wants a credential (HTTP 401)"), (200, b"\x00{[", linking.RUBBISH)]
    for number, (status, body, said) in enumerate(answers):

        async def odd(scope, _, send, status=status, body=body):
            if scope["type"] == "http":
                headers = [(b"content-type", b"application/json")]
                await send({"type": "http.response.start", "status": status, "headers": headers})
                await send({"type": "http.response.body", "body": body})

        async with served(odd) as serving:
            server = await add_server(serving.url, slug=f"odd-{number}")
            found = await talker.call("POST", f"/v1/mcp-servers/{server['id']}/refresh")
        assert found.json()["last_error"] == said


async def test_calls_that_a_call_leads_to_do_not_wait_for_it(
    talker, confirmed, opened, monkeypatch
):
    monkeypatch.setattr(linking, "MOST_CALLS", 1)
    server = wiki()
    async with served(server.streamable_http_app()) as serving:
        await confirmed(serving.url, overrides={"add": {"seconds": 2}})
        [slow], [quick] = await opened("mcp:wiki/slow"), await opened("mcp:wiki/add")
        ctx = context(access_of(talker))
        calling = asyncio.create_task(slow.call(ctx, {}))
        await until(lambda: _begun(server))
        with pytest.raises(ToolFault) as fault:
            await quick.call(ctx, {"a": 1, "b": 1})
        assert "1 calls of this server are under way" in fault.value.message

        async def beneath():
            count_behind(1)
            return await quick.call(ctx, {"a": 1, "b": 1})

        assert (await asyncio.create_task(beneath())).text == "2"
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling


async def _begun(server):
    return server.told == ["begun"]
