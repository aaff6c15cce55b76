"""`/mcp` of the running service, as the official SDK's client sees it."""

import asyncio
import json
from contextlib import asynccontextmanager
from uuid import UUID

import httpx2
import pytest
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client

from app.agents.tools.tool import Listed, ToolFault, ToolTraits
from app.core.auth import Permission
from app.core.causes import META
from app.core.db import SYSTEM
from app.runs.runs.models import Run
from app.runs.runs.service import BEHIND
from tests.knowledge.dictionary.conftest import new_keeper, term
from tests.support.agents import Bench
from tests.support.audit import trail
from tests.support.chat import Talker
from tests.support.identity import bearer, new_key, new_person, until

MODES = ("auto", "legacy")
QUICK = "demo/chat?tokens=3&delay_ms=0"
SLOW = "demo/chat?tokens=2000&delay_ms=50"
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
ACCEPT = {"Accept": "application/json, text/event-stream"}


class ListedBench(Bench):
    """The source `test`, whose tools stand in the catalogue, too."""

    async def listed(self, access):
        return [
            Listed(f"test:{tool.name}", tool.name, tool.description, tool.parameters, tool.traits)
            for tool in self.tools.values()
        ]


@pytest.fixture
def bench(app, address):
    registry = app.state.agents.tools
    registry._sources["test"] = bench = ListedBench()
    yield bench
    del registry._sources["test"]


@pytest.fixture
async def person(client):
    return await new_person(client)


@pytest.fixture
async def key(client, person):
    return (await new_key(client, person))["key"]


@asynccontextmanager
async def connected(address, key, mode="auto"):
    async with httpx2.AsyncClient(headers=bearer(key), timeout=30) as http:
        transport = streamable_http_client(f"{address}/mcp", http_client=http)
        async with Client(transport, mode=mode, cache=None) as mcp:
            yield mcp


async def all_tools(mcp):
    found, cursor = {}, None
    while True:
        page = await mcp.list_tools(cursor=cursor)
        found |= {tool.name: tool for tool in page.tools}
        if (cursor := page.next_cursor) is None:
            return found


async def new_agent(client, person, slug, model=QUICK, production=True, **more):
    talker = Talker(client, person)
    body = {"name": slug.title(), "slug": slug, "definition": {"model": model}, **more}
    made = await talker.call("POST", "/v1/agents", json=body)
    assert made.status_code == 201, made.text
    if production:
        path = f"/v1/agents/{made.json()['id']}/labels/production"
        labelled = await talker.call("PUT", path, json={"version": 1})
        assert labelled.status_code == 200, labelled.text
    return made.json()


@pytest.mark.parametrize("mode", MODES)
async def test_a_client_looks_terms_up(client, address, mode):
    keeper = await new_keeper(client)
    entry = await keeper.add(
        term("cell"), term("Zelle", "de"), definitions=[{"language": "en", "text": "Of life."}]
    )
    key = (await new_key(client, keeper.person))["key"]
    async with connected(address, key, mode) as mcp:
        tools = await all_tools(mcp)
        assert {"search_knowledge", "look_up_term", "detect_terms"} <= set(tools)
        assert tools["look_up_term"].annotations.read_only_hint is True
        found = await mcp.call_tool("look_up_term", {"term": "Cell"})
        assert found.is_error is False
        assert "Zelle (de, preferred)" in found.content[0].text
        assert found.structured_content["data"][0]["id"] == entry["id"]
        nothing = await mcp.call_tool("look_up_term", {"term": "nothing of the kind"})
        assert nothing.content[0].text == "No entry has this term."
        wrong = await mcp.call_tool("look_up_term", {"word": "cell"})
        assert (wrong.is_error, "invalid_arguments" in wrong.content[0].text) == (True, True)


async def test_terms_are_detected_and_knowledge_is_searched(client, address):
    keeper = await new_keeper(client)
    entry = await keeper.add(term("cell"), status="approved")
    key = (await new_key(client, keeper.person))["key"]
    async with connected(address, key) as mcp:
        asked = {"text": "The cell divides.", "dictionary_ids": [keeper.dictionary_id]}
        [seen] = (await mcp.call_tool("detect_terms", asked)).structured_content["data"]
        assert (seen["surface"], seen["entry_id"]) == ("cell", entry["id"])
        found = await mcp.call_tool("search_knowledge", {"query": "cell"})
        assert found.is_error is False
        assert isinstance(found.structured_content["data"], list)


async def test_entries_are_resources(client, address):
    keeper = await new_keeper(client)
    entry = await keeper.add(term("cell"), status="approved")
    other = await new_keeper(client)
    key = (await new_key(client, keeper.person))["key"]
    strange = (await new_key(client, other.person))["key"]
    uri = f"luminous://dictionary/{entry['id']}"
    async with connected(address, key) as mcp:
        [resource] = (await mcp.list_resources()).resources
        assert (str(resource.uri), resource.name) == (uri, "cell")
        [template] = (await mcp.list_resource_templates()).resource_templates
        assert template.uri_template == "luminous://dictionary/{id}"
        [read] = (await mcp.read_resource(uri)).contents
        assert json.loads(read.text)["id"] == entry["id"]
        with pytest.raises(MCPError):
            await mcp.read_resource("luminous://dictionary/nothing")
    async with connected(address, strange) as mcp:
        assert (await mcp.list_resources()).resources == []
        with pytest.raises(MCPError):
            await mcp.read_resource(uri)


@pytest.mark.parametrize("mode", MODES)
async def test_an_agent_in_production_is_run(client, address, person, key, mode):
    await new_agent(client, person, "helper", description="Helps with everything.")
    await new_agent(client, person, "draft-only", production=False)
    told = []

    async def progress(done, total, message):
        told.append((done, message))

    async with connected(address, key, mode) as mcp:
        tools = await all_tools(mcp)
        assert "run_agent_helper" in tools
        assert "run_agent_draft-only" not in tools
        assert "Helps with everything." in tools["run_agent_helper"].description
        done = await mcp.call_tool(
            "run_agent_helper", {"input": "Say something."}, progress_callback=progress
        )
        assert done.is_error is False, done.content
        assert done.content[0].text
        run_id = done.structured_content["run_id"]
        with pytest.raises(MCPError, match="no tool"):
            await mcp.call_tool("run_agent_draft-only", {"input": "x"})
    run = (await client.get(f"/v1/runs/{run_id}", headers=person.headers)).json()
    assert (run["status"], run["kind"]) == ("completed", "agent_run")
    assert told
    assert [at for at, _ in told] == sorted(at for at, _ in told)


@pytest.mark.parametrize("mode", MODES)
async def test_cancelling_a_call_cancels_the_run(client, address, person, key, mode):
    await new_agent(client, person, "slow", SLOW)
    begun = asyncio.Event()

    async def progress(done, total, message):
        begun.set()

    async def runs(status):
        answer = await client.get("/v1/runs", headers=person.headers)
        return [each for each in answer.json()["data"] if each["status"] == status]

    async with connected(address, key, mode) as mcp:
        asking = mcp.call_tool("run_agent_slow", {"input": "x"}, progress_callback=progress)
        calling = asyncio.create_task(asking)
        await asyncio.wait_for(begun.wait(), 10)
        assert len(await runs("running")) == 1
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        await until(lambda: runs("cancelled"))
        assert await runs("running") == []
        # The connection is as good as it was.
        assert "look_up_term" in await all_tools(mcp)


async def test_a_client_that_hangs_up_cancels_its_run(client, address, person, key):
    await new_agent(client, person, "slow", SLOW)
    call = {
        "jsonrpc": "2.0",
        "id": 7,
        "method": "tools/call",
        "params": {
            "name": "run_agent_slow",
            "arguments": {"input": "x"},
            "_meta": {"progressToken": 1},
        },
    }

    async def runs(status):
        answer = await client.get("/v1/runs", headers=person.headers)
        return [each for each in answer.json()["data"] if each["status"] == status]

    headers = {**bearer(key), **ACCEPT, "Mcp-Protocol-Version": "2025-06-18"}
    async with client.stream("POST", "/mcp", json=call, headers=headers) as answer:
        assert answer.status_code == 200
        await until(lambda: runs("running"))
    await until(lambda: runs("cancelled"))


async def test_tools_of_the_workspace_are_served_where_nobody_has_to_agree(  # noqa: PLR0915
    client, address, person, key, bench
):
    look = bench.add("look", answer="found")
    bench.add("act", traits=ToolTraits("external", approval="always"))
    bench.add("write", traits=ToolTraits("write", scopes=frozenset({Permission.MEMORIES_WRITE})))
    bench.add("torn", answer=ToolFault("not_found", "There is no page."))
    bench.add("broken", answer=ValueError("what only the log may say"))
    bench.add("chatty", answer="x" * 50_000)
    few = await new_key(client, person, scopes=["tools:read", "agents:run"])
    async with connected(address, key) as mcp:
        tools = await all_tools(mcp)
        assert {"look", "write", "torn"} <= set(tools)
        assert "act" not in tools
        with pytest.raises(MCPError):
            await mcp.call_tool("act", {"q": "x"})
        assert (await mcp.call_tool("look", {"q": "x"})).content[0].text == "found"
        assert (await mcp.call_tool("look", {"q": 7})).is_error is True
        assert [arguments for _, arguments in look.calls] == [{"q": "x"}]
        torn = await mcp.call_tool("torn", {"q": "x"})
        assert (torn.is_error, torn.content[0].text) == (True, "not_found: There is no page.")
        broken = await mcp.call_tool("broken", {"q": "x"})
        assert (broken.is_error, "log may" in broken.content[0].text) == (True, False)
        chatty = await mcp.call_tool("chatty", {"q": "x"})
        assert len(chatty.content[0].text) < 21_000
        await mcp.call_tool("write", {"q": "x"})
    async with connected(address, few["key"]) as mcp:
        tools = await all_tools(mcp)
        assert "look" in tools
        assert tools.keys().isdisjoint({"write", "look_up_term", "search_knowledge"})
        for name in ("write", "look_up_term"):
            with pytest.raises(MCPError):
                await mcp.call_tool(name, {"q": "x"})
    called = [line for line in await trail(client, person) if line["action"] == "mcp.tool_called"]
    assert [line["resource"]["id"] for line in called] == ["write"]


async def test_long_lists_come_in_pages(client, address, person, key, bench):
    for number in range(120):
        bench.add(f"tool_{number:03}")
    async with connected(address, key) as mcp:
        first = await mcp.list_tools()
        assert len(first.tools) == 50
        every = await all_tools(mcp)
        assert len([name for name in every if name.startswith("tool_")]) == 120
        with pytest.raises(MCPError):
            await mcp.list_tools(cursor="not one of ours")


async def test_agents_of_others_are_not_served(client, address, person, key):
    stranger = await new_person(client)
    await new_agent(client, stranger, "theirs")
    async with connected(address, key) as mcp:
        assert "run_agent_theirs" not in await all_tools(mcp)
        with pytest.raises(MCPError):
            await mcp.call_tool("run_agent_theirs", {"input": "x"})


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "credential_missing"),
        ({"Authorization": "Bearer lum_live_nothing"}, 401, None),
        ({"Origin": "https://evil.example"}, 403, "origin_refused"),
        ({"Origin": "http://127.0.0.1:8000"}, 403, "origin_refused"),
    ],
)
async def test_who_may_not_call_is_refused(client, headers, status, code):
    answer = await client.post("/mcp", json=INITIALIZE, headers={**ACCEPT, **headers})
    assert answer.status_code == status, answer.text
    assert code is None or answer.json()["code"] == code
    if status == 401:
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_listed_origin_may_call(client, key):
    headers = {**ACCEPT, **bearer(key), "Origin": "https://app.example"}
    answer = await client.post("/mcp", json=INITIALIZE, headers=headers)
    assert answer.status_code == 200, answer.text
    assert len(answer.headers["mcp-session-id"]) == 32
    assert "x-request-id" in answer.headers
    assert "ratelimit" in answer.headers


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
async def test_nothing_but_posts_is_taken(client, key, method):
    answer = await client.request(method, "/mcp", headers={**ACCEPT, **bearer(key)})
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"no json", 400),
        (b"[]", 400),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "no/such"}', 200),
        (b"[" * 100_000, 400),
        (b'{"a":' * 2000 + b"1" + b"}" * 2000, 400),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "a\\u0000"}', 400),
        (b'{"jsonrpc": "2.0", "id": 1, "params": {"a": NaN}, "method": "a\\u0000"}', 400),
        (b'{"jsonrpc": "2.0", "id": 1, "params": {"a": NaN}, "method": "tools/list"}', 400),
        (b'"' + b"x" * (5 * 1024 * 1024) + b'"', 413),
    ],
)
async def test_rubbish_is_refused(client, key, body, status):
    headers = {**ACCEPT, **bearer(key), "Content-Type": "application/json"}
    answer = await client.post("/mcp", content=body, headers=headers)
    assert answer.status_code == status, answer.text[:300]


async def test_requests_are_counted_like_others(client, person):
    limits = [{"requests": 2, "seconds": 60}]
    made = await new_key(client, person, limits=limits)
    headers = {**ACCEPT, **bearer(made["key"])}
    answers = [await client.post("/mcp", json=INITIALIZE, headers=headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[-1].json()["code"] == "rate_limited"


@pytest.mark.parametrize("mode", MODES)
async def test_what_a_call_begins_counts_as_begun_by_what_led_to_the_call(
    client, address, kernel, mode
):
    person = await new_person(client)
    await new_agent(client, person, "helper")
    key = (await new_key(client, person))["key"]
    seen = []
    async with connected(address, key, mode) as mcp:
        for meta in ({META: 5}, {META: "5"}, None):
            asked = {"input": "Say something."}
            done = await mcp.call_tool("run_agent_helper", asked, meta=meta)
            async with kernel.database.unit(SYSTEM) as session:
                run = await session.get(Run, UUID(done.structured_content["run_id"]))
            seen.append(run.input.get(BEHIND, 0))
    assert seen == [5, 0, 0]
