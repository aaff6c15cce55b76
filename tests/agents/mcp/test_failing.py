"""Servers that die, dawdle, talk rubbish or too much: a fault of the call, never more."""

import asyncio
import gzip
import json
from uuid import uuid4

import pytest
from mcp.types import CallToolResult, TextContent

from app.agents.mcp_servers import guarding, pinning, plans, results
from app.agents.mcp_servers.pool import Links
from app.agents.tools.tool import ToolFault
from tests.agents.mcp.conftest import access_of, context, served, wiki
from tests.support.identity import until


async def test_a_server_that_is_away_is_a_fault_of_the_call_and_comes_back(
    talker, confirmed, opened
):
    ctx = context(access_of(talker))
    async with served(wiki().streamable_http_app()) as serving:
        await confirmed(serving.url)
        [tool] = await opened("mcp:wiki/add")
        assert (await tool.call(ctx, {"a": 1, "b": 1})).text == "2"
        port = int(serving.url.split(":")[2].split("/")[0])
    [still] = await opened("mcp:wiki/add")
    with pytest.raises(ToolFault) as fault:
        await still.call(ctx, {"a": 1, "b": 1})
    assert fault.value.code == "server_unavailable"
    [shown] = (await talker.call("GET", "/v1/mcp-servers")).json()["data"]
    assert (shown["status"], "127.0.0.1" in shown["last_error"]) == ("failing", True)
    async with served(wiki().streamable_http_app(), port):
        assert (await tool.call(ctx, {"a": 2, "b": 2})).text == "4"


async def test_a_session_that_the_server_forgot_is_made_anew(talker, confirmed, opened):
    ctx = context(access_of(talker))

    def stateful():
        """As servers before 2026 are: each knows the sessions that it began itself."""
        inner = wiki().streamable_http_app()

        async def without_discovery(scope, receive, send):
            if scope["type"] != "http" or scope["method"] != "POST":
                return await inner(scope, receive, send)
            body = (await receive())["body"]
            if json.loads(body)["method"] == "server/discover":
                kind = (b"content-type", b"text/plain")
                await send({"type": "http.response.start", "status": 400, "headers": [kind]})
                return await send({"type": "http.response.body", "body": b"no"})
            given = [{"type": "http.request", "body": body, "more_body": False}]

            async def again():
                return given.pop() if given else await receive()

            return await inner(scope, again, send)

        return without_discovery

    async with served(stateful()) as serving:
        await confirmed(serving.url)
        [tool] = await opened("mcp:wiki/add")
        assert (await tool.call(ctx, {"a": 1, "b": 1})).text == "2"
        assert any("mcp-session-id" in each for each in serving.requests)
        port = int(serving.url.split(":")[2].split("/")[0])
    async with served(stateful(), port):
        assert (await tool.call(ctx, {"a": 2, "b": 3})).text == "5"


async def test_a_slow_tool_ends_in_time_and_is_told_so(talker, confirmed, opened):
    server = wiki()
    async with served(server.streamable_http_app()) as serving:
        await confirmed(serving.url, overrides={"slow": {"seconds": 1}})
        [tool] = await opened("mcp:wiki/slow")
        with pytest.raises(ToolFault) as fault:
            await tool.call(context(access_of(talker)), {})
        assert fault.value.code == "timeout"
        await until(lambda: _is(server.told, ["begun", "cancelled"]))


async def test_a_cancelled_call_is_cancelled_there_too(talker, confirmed, opened, source):
    server = wiki()
    async with served(server.streamable_http_app()) as serving:
        await confirmed(serving.url)
        [tool] = await opened("mcp:wiki/slow")
        [quick] = await opened("mcp:wiki/add")
        ctx = context(access_of(talker))
        calling = asyncio.create_task(tool.call(ctx, {}))
        await until(lambda: _is(server.told, ["begun"]))
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        await until(lambda: _is(server.told, ["begun", "cancelled"]))
        assert (await quick.call(ctx, {"a": 1, "b": 1})).text == "2"
        assert source.links.count() == 1


async def _is(seen, wanted):
    return seen == wanted


async def test_huge_answers_are_cut(talker, confirmed, opened):
    async with served(wiki().streamable_http_app()) as serving:
        await confirmed(serving.url, overrides={"huge": {"characters": 1000}})
        [tool] = await opened("mcp:wiki/huge")
        answer = await tool.call(context(access_of(talker)), {"size": 300_000})
    assert len(answer.text) <= 1000
    assert "left out]" in answer.text
    assert answer.data is None


async def test_an_answer_beyond_bounds_fails_alone(talker, confirmed, opened, source, monkeypatch):
    monkeypatch.setattr(guarding, "MOST_BYTES", 100_000)
    ctx = context(access_of(talker))
    async with served(wiki().streamable_http_app(json_response=True)) as serving:
        await confirmed(serving.url)
        [huge] = await opened("mcp:wiki/huge")
        [quick] = await opened("mcp:wiki/add")
        with pytest.raises(ToolFault) as fault:
            await huge.call(ctx, {"size": 200_000})
        assert fault.value.code == "server_error"
        assert (await quick.call(ctx, {"a": 1, "b": 1})).text == "2"
        assert source.links.count() == 1


@pytest.mark.parametrize(
    ("status", "kind", "body"),
    [
        (200, b"application/json", b"this is no JSON"),
        (200, b"application/json", b'{"jsonrpc": "2.0", "id": 1, "result": [1]}'),
        (200, b"text/html", b"<html>Sign in</html>"),
        (200, b"text/event-stream", b"event: message\ndata: rubbish\n\n"),
        (500, b"text/plain", b"broken"),
        (401, b"text/plain", b"who are you"),
        (302, b"text/plain", b""),
    ],
)
async def test_rubbish_is_a_failing_server(talker, add_server, status, kind, body):
    async def rubbish(scope, receive, send):
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        headers = [(b"content-type", kind), (b"location", b"http://169.254.169.254/")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async with served(rubbish) as serving:
        server = await add_server(serving.url)
        found = await talker.call("POST", f"/v1/mcp-servers/{server['id']}/refresh")
    assert found.status_code == 200
    assert found.json()["status"] == "failing"
    assert found.json()["last_error"]


async def test_a_private_address_is_refused_at_every_request(
    talker, confirmed, opened, kernel, monkeypatch
):
    """As where a name is first resolved to a public address and then to one of ours."""
    async with served(wiki().streamable_http_app()) as serving:
        await confirmed(serving.url)
        [tool] = await opened("mcp:wiki/add")
        ctx = context(access_of(talker))
        await tool.call(ctx, {"a": 1, "b": 1})
        seen = len(serving.requests)
        policy = type(kernel.outbound._policy)()
        monkeypatch.setattr(kernel.outbound, "_policy", policy)
        with pytest.raises(ToolFault) as fault:
            await tool.call(ctx, {"a": 1, "b": 1})
        assert "public internet" in fault.value.message or "https" in fault.value.message
        assert len(serving.requests) == seen


async def test_idle_sessions_are_closed(talker, confirmed, opened, source, kernel):
    source.links = Links(kernel.outbound, idle_seconds=0.05)
    async with served(wiki().streamable_http_app()) as serving:
        await confirmed(serving.url)
        [tool] = await opened("mcp:wiki/add")
        await tool.call(context(access_of(talker)), {"a": 1, "b": 1})
        await until(lambda: _is(source.links.count(), 0))
        assert (await tool.call(context(access_of(talker)), {"a": 1, "b": 2})).text == "3"
    await source.links.close()


async def test_a_packed_answer_is_not_unpacked(talker, add_server):
    """A few bytes could become any number of them."""

    async def packing(scope, receive, send):
        if scope["type"] != "http":
            return
        headers = [(b"content-type", b"application/json"), (b"content-encoding", b"gzip")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        body = gzip.compress(b" " * 1_000_000)
        await send({"type": "http.response.body", "body": body})

    async with served(packing) as serving:
        server = await add_server(serving.url)
        found = await talker.call("POST", f"/v1/mcp-servers/{server['id']}/refresh")
    assert "packed its answer" in found.json()["last_error"]


async def test_a_server_that_is_away_is_not_asked_for_each_tool_of_a_definition(
    talker, confirmed, opened
):
    async with served(wiki().streamable_http_app()) as serving:
        await confirmed(serving.url)
        port = int(serving.url.split(":")[2].split("/")[0])
    await opened("mcp:wiki/add")
    async with served(wiki().streamable_http_app(), port) as serving:
        [tool] = await opened("mcp:wiki/search")
        assert serving.requests == []
        answer = await tool.call(context(access_of(talker)), {"query": "x"})
        assert answer.text == "Nothing about x."


async def test_a_text_of_megabytes_is_cut_before_it_is_cleaned(monkeypatch):
    looked_at = []
    monkeypatch.setattr(
        plans, "visible", lambda text: looked_at.append(len(text)) or pinning.visible(text)
    )
    plan = plans.Plan("key", uuid4(), None, (), {}, {}, ("the-secret",))
    text = "x" * 4_000_000 + "the-secret"
    said = results.outcome(plan, CallToolResult(content=[TextContent(text=text)]), 1000).text
    assert (len(said), max(looked_at) < 10_000) == (1000, True)
