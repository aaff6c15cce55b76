"""MCP servers as a resource: the whole life of one, and what is refused."""

import pytest
from mcp.server.mcpserver import MCPServer

from tests.agents.mcp.conftest import served
from tests.support.identity import bearer, new_key

HTTP = {"type": "streamable_http", "url": "https://wiki.example.com/mcp"}


async def test_a_server_is_added_changed_deleted_and_restored(talker, add_server):
    made = await add_server("https://wiki.example.com/mcp", deny=["delete_page"])
    assert (made["status"], made["trusted"], made["deny"]) == ("new", False, ["delete_page"])
    path = f"/v1/mcp-servers/{made['id']}"
    stale = await talker.call("PATCH", path, json={"name": "X"}, headers={"If-Match": '"v9"'})
    assert stale.status_code == 412
    said = {"overrides": {"search": {"approval": "never", "effects": "read"}}}
    changed = await talker.call("PATCH", path, json=said)
    assert changed.json()["overrides"]["search"]["approval"] == "never"
    assert (await talker.call("DELETE", path)).status_code == 204
    assert (await talker.call("GET", path)).status_code == 404
    gone = (await talker.call("GET", "/v1/mcp-servers?deleted=true")).json()["data"]
    assert [each["id"] for each in gone] == [made["id"]]
    await add_server("https://other.example.com/mcp")
    taken = await talker.call("POST", f"{path}/restore")
    assert (taken.status_code, taken.json()["code"]) == (409, "mcp_server_slug_taken")
    await add_server("https://other.example.com/mcp", status=409)


@pytest.mark.parametrize(
    "body",
    [
        {"slug": "Not A Slug"},
        {"slug": "x" * 25},
        {"transport": {"type": "sse", "url": "https://x.example"}},
        {"transport": {**HTTP, "url": "file:///etc/passwd"}},
        {"transport": {**HTTP, "headers": {"Authorization": "Bearer x"}}},
        {"timeout_seconds": 0},
        {"overrides": {"search": {"approval": "sometimes"}}},
        {"status": "ready"},
    ],
)
async def test_settings_have_bounds(talker, body):
    whole = {"name": "Wiki", "slug": "wiki", "transport": HTTP, **body}
    answer = await talker.call("POST", "/v1/mcp-servers", json=whole)
    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize(
    "url",
    [
        "http://wiki.example.com/mcp",
        "https://169.254.169.254/mcp",
        "https://10.0.0.1/mcp",
        "https://user:secret@wiki.example.com/mcp",
        "https://0x7f.1/mcp",
    ],
)
async def test_addresses_are_checked(talker, url):
    body = {"name": "Wiki", "slug": "wiki", "transport": {**HTTP, "url": url}}
    answer = await talker.call("POST", "/v1/mcp-servers", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "address_refused")


async def test_servers_are_asked_for_all_their_tools(talker, confirmed):
    server = MCPServer("many")
    for number in range(60):
        server.add_tool(lambda: "x", name=f"tool_{number:02}", description="One of many.")
    async with served(server.streamable_http_app()) as serving:
        made = await confirmed(serving.url)
    assert made["server_name"] == "many"
    assert made["protocol_version"] >= "2025"
    path = f"/v1/mcp-servers/{made['id']}/tools"
    first = (await talker.call("GET", f"{path}?limit=50")).json()
    assert (len(first["data"]), first["has_more"]) == (50, True)
    second = (await talker.call("GET", f"{path}?limit=50&cursor={first['next_cursor']}")).json()
    assert [each["name"] for each in second["data"]] == [f"tool_{n}" for n in range(50, 60)]
    assert {each["state"] for each in first["data"]} == {"confirmed"}


async def test_confirmations_are_audited(talker, confirmed):
    server = MCPServer("one")
    server.add_tool(lambda: "x", name="one", description="One.")
    async with served(server.streamable_http_app()) as serving:
        await confirmed(serving.url)
    lines = (await talker.call("GET", "/v1/audit-logs")).json()["data"]
    [line] = [each for each in lines if each["action"] == "mcp_tool.confirmed"]
    assert line["detail"]["tool"] == "one"


async def test_who_may_only_read_confirms_nothing(client, talker, add_server):
    made = await add_server("https://wiki.example.com/mcp")
    key = await new_key(client, talker.person, scopes=["tools:read"])
    path = f"/v1/mcp-servers/{made['id']}"
    headers = bearer(key["key"])
    assert (await client.get(path, headers=headers)).status_code == 200
    for act in ("refresh", "confirm"):
        answer = await client.post(f"{path}/{act}", json={}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
