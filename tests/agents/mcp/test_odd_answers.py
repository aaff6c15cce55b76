"""Servers of which a part is not as the protocol has it: that part is refused, at once."""

import json

import pytest

from app.agents.tools.tool import ToolFault
from tests.agents.mcp.conftest import access_of, context, served

GOOD = {"name": "tell", "inputSchema": {"type": "object"}}
ODD = [
    {"name": "of_text", "inputSchema": {"type": "string"}},
    {"name": "of_nothing"},
    {"name": "hinted", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": "oh"}},
    "no tool at all",
]
TOLD = {"content": [{"type": "text", "text": "told"}]}


class Odd:
    """A server of 2025 that answers with JSON; `tools` are on two pages.

    `answer` makes what is sent of a call's id and its result.
    """

    def __init__(self, tools, answer=None):
        self.tools = tools
        self._answer = answer

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return
        asked = json.loads((await receive())["body"] or b"{}")
        method, params = asked.get("method"), asked.get("params") or {}
        pages = {"1": {"tools": self.tools}}
        known = {
            "initialize": {
                "protocolVersion": "2025-06-18",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "odd", "version": "1"},
            },
            "tools/list": pages.get(params.get("cursor"), {"tools": [], "nextCursor": "1"}),
            "tools/call": TOLD,
        }
        said = {"jsonrpc": "2.0", "id": asked.get("id"), "result": known.get(method)}
        if method == "tools/call" and self._answer is not None:
            said = {"jsonrpc": "2.0", **self._answer(said["id"], TOLD)}
        kind = b"application/json" if method in known else b"text/plain"
        status = 200 if method in known else 405
        headers = [(b"content-type", kind)]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(said).encode()})


async def _shown(talker, server):
    path = f"/v1/mcp-servers/{server['id']}"
    tools = (await talker.call("GET", f"{path}/tools")).json()["data"]
    return (await talker.call("GET", path)).json(), [tool["name"] for tool in tools]


async def test_a_tool_that_cannot_be_read_is_left_out_of_the_listing_and_named(
    talker, confirmed, opened
):
    odd = Odd([*ODD, GOOD])
    async with served(odd) as serving:
        server, tools = await _shown(talker, await confirmed(serving.url))
        assert (server["status"], tools) == ("ready", ["tell"])
        assert server["last_error"] == (
            "tools are left out that are not as the protocol has them: "
            "of_text (inputSchema.type), of_nothing (inputSchema), "
            "hinted (annotations.readOnlyHint), ? ()"
        )
        [tool] = await opened("mcp:wiki/tell")
        assert (await tool.call(context(access_of(talker)), {})).text == "told"
        odd.tools = [GOOD]
        found = await talker.call("POST", f"/v1/mcp-servers/{server['id']}/refresh")
        assert (found.json()["status"], found.json()["last_error"]) == ("ready", None)


@pytest.mark.parametrize(
    "answer",
    [
        lambda asked, result: {"id": asked + 1000, "result": result},
        lambda asked, result: {"id": None, "result": result},
        lambda asked, result: {"result": result},
        lambda asked, _: {"id": asked, "method": "ping"},
        lambda asked, _: {"method": "notifications/message", "params": {}},
    ],
)
async def test_an_answer_to_something_else_is_refused_at_once(talker, confirmed, opened, answer):
    async with served(Odd([GOOD], answer)) as serving:
        await confirmed(serving.url, timeout_seconds=5)
        [tool] = await opened("mcp:wiki/tell")
        with pytest.raises(ToolFault) as fault:
            await tool.call(context(access_of(talker)), {})
    said = "it answered something else than it was asked"
    assert (fault.value.code, fault.value.message) == ("server_error", said)


@pytest.mark.parametrize("told", [None, 1000, "another"])
async def test_an_error_is_of_the_request_that_it_came_to(talker, confirmed, opened, told):
    def answer(asked, result):
        return {"id": told, "error": {"code": -32603, "message": "not today"}}

    async with served(Odd([GOOD], answer)) as serving:
        await confirmed(serving.url, timeout_seconds=5)
        [tool] = await opened("mcp:wiki/tell")
        with pytest.raises(ToolFault) as fault:
            await tool.call(context(access_of(talker)), {})
    assert (fault.value.code, fault.value.message) == ("server_error", "not today")


async def test_an_id_may_come_back_as_a_text(talker, confirmed, opened):
    odd = Odd([GOOD], lambda asked, result: {"id": str(asked), "result": result})
    async with served(odd) as serving:
        await confirmed(serving.url, timeout_seconds=5)
        [tool] = await opened("mcp:wiki/tell")
        assert (await tool.call(context(access_of(talker)), {})).text == "told"
