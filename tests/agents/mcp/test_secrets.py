"""Credentials of servers: sent where they may go, and told to nobody."""

import json
import logging
from typing import Annotated

import pytest
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import CallToolResult
from pydantic import Field

from app.agents.tools.errors import ToolUnfit
from app.agents.tools.tool import ToolFault
from tests.agents.mcp.conftest import TOKEN, access_of, context, served, wiki


@pytest.fixture
def credential(talker):
    async def made(hosts, **secret):
        body = {
            "name": "wiki",
            "hosts": hosts,
            "secret": secret or {"kind": "token", "token": TOKEN},
        }
        answer = await talker.call("POST", "/v1/tools/credentials", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    return made


def echoing():
    server = MCPServer("echo")

    @server.tool()
    async def echo(ctx: Context, fail: bool = False) -> str:
        """Show the header that came."""
        header = ctx.headers["authorization"]
        await ctx.report_progress(1, 1, f"came with {header}")
        if fail:
            raise ToolError(f"I know {header}")
        return header

    return server.streamable_http_app()


async def test_a_token_is_sent_and_never_shown(talker, confirmed, opened, credential, caplog):
    caplog.set_level(logging.DEBUG)
    await credential(["127.0.0.1"])
    told = []
    async with served(echoing()) as serving:
        await confirmed(serving.url, credential="wiki")
        [tool] = await opened("mcp:wiki/echo")
        ctx = context(access_of(talker), told)
        answer = await tool.call(ctx, {})
        with pytest.raises(ToolFault) as fault:
            await tool.call(ctx, {"fail": True})
    sent = {each.get("authorization") for each in serving.requests if each["method"] == "POST"}
    assert sent == {f"Bearer {TOKEN}"}
    said = [answer.text, json.dumps(answer.data), json.dumps(told), str(fault.value), repr(tool)]
    said += [
        (await talker.call("GET", path)).text for path in ("/v1/mcp-servers", "/v1/audit-logs")
    ]
    said += [record.getMessage() for record in caplog.records if "uvicorn" not in record.name]
    assert [each[:200] for each in said if TOKEN in each] == []
    assert answer.text == "[credential]"


async def test_a_credential_goes_to_its_own_hosts_alone(talker, add_server, opened, credential):
    await credential(["wiki.example.com"])
    async with served(wiki().streamable_http_app()) as serving:
        server = await add_server(serving.url, credential="wiki")
        found = await talker.call("POST", f"/v1/mcp-servers/{server['id']}/refresh")
        assert found.json()["status"] == "failing"
        assert "may not be sent" in found.json()["last_error"]
        with pytest.raises(ToolUnfit, match="may not be sent"):
            await opened("mcp:wiki/*")
        assert serving.requests == []


async def test_a_deleted_credential_ends_its_use_at_once(talker, confirmed, opened, credential):
    made = await credential(["127.0.0.1"], kind="headers", headers={"X-Key": TOKEN})
    ctx = context(access_of(talker))
    async with served(wiki().streamable_http_app()) as serving:
        await confirmed(serving.url, credential="wiki")
        [tool] = await opened("mcp:wiki/add")
        await tool.call(ctx, {"a": 1, "b": 1})
        assert serving.requests[-1]["x-key"] == TOKEN
        await talker.call("DELETE", f"/v1/tools/credentials/{made['id']}")
        seen = len(serving.requests)
        with pytest.raises(ToolFault) as fault:
            await tool.call(ctx, {"a": 1, "b": 1})
        assert (fault.value.code, len(serving.requests)) == ("credential_unusable", seen)


async def test_a_redirect_elsewhere_is_not_followed_with_the_token(talker, add_server, credential):
    await credential(["127.0.0.1"])
    async with served(echoing()) as other:

        async def leading_away(scope, receive, send):
            if scope["type"] != "http":
                return
            headers = [(b"location", other.url.encode())]
            await send({"type": "http.response.start", "status": 307, "headers": headers})
            await send({"type": "http.response.body", "body": b""})

        async with served(leading_away) as serving:
            server = await add_server(serving.url, credential="wiki")
            found = await talker.call("POST", f"/v1/mcp-servers/{server['id']}/refresh")
    assert found.json()["status"] == "failing"
    assert other.requests == []


def failing_with(message):
    """A server that answers every request with an error of the protocol."""

    async def app(scope, receive, send):
        if scope["type"] != "http":
            return
        said = message(dict(scope["headers"])[b"authorization"].decode())
        error = {"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": said}}
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 401, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(error).encode()})

    return app


@pytest.mark.parametrize(
    "message",
    [
        lambda header: f"invalid {header}",
        lambda header: "x" * 480 + header,
        "\u200b".join,
    ],
)
async def test_an_error_that_shows_the_token_is_kept_without_it(
    talker, add_server, credential, message
):
    await credential(["127.0.0.1"])
    async with served(failing_with(message)) as serving:
        server = await add_server(serving.url, credential="wiki")
        found = await talker.call("POST", f"/v1/mcp-servers/{server['id']}/refresh")
    assert found.json()["status"] == "failing"
    assert TOKEN[:12] not in found.json()["last_error"]


async def test_tools_that_show_the_token_are_kept_without_it(talker, add_server, credential):
    await credential(["127.0.0.1"])
    server = MCPServer(f"server of {TOKEN}")

    @server.tool(description=f"Use {TOKEN}.")
    def search(query: Annotated[str, Field(description=f"With {TOKEN}", examples=[TOKEN])]) -> str:
        return query

    async with served(server.streamable_http_app()) as serving:
        added = await add_server(serving.url, credential="wiki")
        path = f"/v1/mcp-servers/{added['id']}"
        found = await talker.call("POST", f"{path}/refresh")
        tools = await talker.call("GET", f"{path}/tools")
    assert found.json()["server_name"] == "server of [credential]"
    assert tools.json()["data"][0]["description"] == "Use [credential]."
    assert TOKEN not in found.text + tools.text


async def test_secrets_that_look_like_json_are_taken_out_of_data(
    talker, confirmed, opened, credential
):
    await credential(["127.0.0.1"], kind="token", token="12345678")
    server = MCPServer("numbers")

    @server.tool()
    def numbers() -> CallToolResult:
        said = {"n": 12345678, "12345678": ["a 12345678", True, None, 1.5]}
        return CallToolResult(content=[], structured_content=said)

    async with served(server.streamable_http_app()) as serving:
        await confirmed(serving.url, credential="wiki")
        [tool] = await opened("mcp:wiki/numbers")
        answer = await tool.call(context(access_of(talker)), {})
    hidden = "[credential]"
    assert answer.data == {"n": hidden, hidden: [f"a {hidden}", True, None, 1.5]}
    assert "12345678" not in answer.text
