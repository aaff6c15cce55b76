"""Our client against servers of the official SDK."""

import asyncio

import pytest
from mcp.server import MCPServer
from mcp.server.mcpserver import Context

from app.agents.tools.tool import ToolFault
from app.core.causes import META, count_behind
from tests.agents.mcp.conftest import access_of, context, served, wiki


async def test_tools_are_called_in_one_session_by_all(talker, confirmed, opened, source):
    server = wiki()
    async with served(server.streamable_http_app()) as serving:
        await confirmed(serving.url)
        tools = {tool.name: tool for tool in await opened("mcp:wiki/*")}
        assert {"wiki__add", "wiki__search"} <= set(tools)
        assert "query" in tools["wiki__search"].parameters["properties"]
        ctx = context(access_of(talker))
        answers = await asyncio.gather(
            *(tools["wiki__add"].call(ctx, {"a": n, "b": 1}) for n in range(10))
        )
        assert [each.text for each in answers] == [str(n + 1) for n in range(10)]
        assert source.links.count() == 1
        assert answers[0].data == {"result": 1}


async def test_content_of_every_kind_becomes_text_and_data(talker, confirmed, opened):
    async with served(wiki().streamable_http_app()) as serving:
        await confirmed(serving.url)
        [tool] = await opened("mcp:wiki/mixed")
        answer = await tool.call(context(access_of(talker)), {})
    assert answer.data == {"pages": 3}
    for piece in (
        "words",
        "[image: image/png, 8 bytes: not shown]",
        "[resource wiki://one]\nfirst page",
        "[resource wiki://two: application/zip, 5 bytes: not shown]",
        "[resource: third at wiki://three]",
    ):
        assert piece in answer.text


async def test_a_tools_failure_is_told(talker, confirmed, opened):
    async with served(wiki().streamable_http_app()) as serving:
        await confirmed(serving.url)
        [tool] = await opened("mcp:wiki/broken")
        with pytest.raises(ToolFault, match="torn") as fault:
            await tool.call(context(access_of(talker)), {})
    assert fault.value.code == "tool_error"


async def test_progress_is_passed_on(talker, confirmed, opened):
    told = []
    async with served(wiki().streamable_http_app()) as serving:
        await confirmed(serving.url)
        [tool] = await opened("mcp:wiki/counting")
        answer = await tool.call(context(access_of(talker), told), {})
    assert answer.text == "counted"
    assert [each["message"] for each in told] == ["step 1", "step 2", "step 3"]
    assert told[0] == {"tool": "wiki__counting", "progress": 1, "total": 3, "message": "step 1"}


async def test_a_call_says_which_runs_are_behind_it(talker, confirmed, opened):
    """Each for itself: many calls share one connection."""
    server = MCPServer("wiki")

    @server.tool()
    def behind(ctx: Context) -> int:
        """How many runs led to this."""
        return (ctx.request_context.meta or {}).get(META, 0)

    async def asked(tool, runs):
        count_behind(runs)
        return (await tool.call(context(access_of(talker)), {})).text

    async with served(server.streamable_http_app()) as serving:
        await confirmed(serving.url)
        [tool] = await opened("mcp:wiki/behind")
        said = await asyncio.gather(*(asked(tool, runs) for runs in (3, 0, 5)))
    assert said == ["3", "0", "5"]
