"""Servers that are processes of this machine: only those that the operator lists."""

import pytest

from app.agents.credentials.finding import Credentials
from app.agents.mcp_servers import asking, service
from app.agents.mcp_servers.errors import McpCommandNotAllowed
from app.agents.mcp_servers.schemas import McpConfirm, McpServerCreate
from app.agents.mcp_servers.source import McpSource
from app.agents.mcp_servers.starting import expect_allowed
from app.agents.tools.errors import ToolUnfit
from app.agents.tools.tool import ToolFault
from tests.agents.mcp.conftest import STDIO, TOKEN, access_of, context


@pytest.fixture
def process(talker, kernel, source):
    """Add the server beside this file, as the operator of `source` allows it; confirmed."""

    async def made(**transport):
        access = access_of(talker)
        whole = {"type": "stdio", "command": STDIO[0], "args": [*STDIO[1:]], **transport}
        new = McpServerCreate(name="Local", slug="local", transport=whole)
        allowed = service.Allowed(kernel.outbound, (" ".join(STDIO), "/nowhere/at-all"))
        async with kernel.database.unit(access.scope) as session:
            server = await service.create(session, access, allowed, new)
        found = await asking.ask(kernel.database, source, access, server.id)
        async with kernel.database.unit(access.scope) as session:
            await asking.keep(session, access, server.id, found)
            return await service.confirm(session, access, server.id, McpConfirm())

    return made


async def test_a_process_is_spoken_to_with_no_more_than_it_is_given(
    talker, process, opened, monkeypatch
):
    monkeypatch.setenv("LUMINOUS_MASTER_KEY", "not for others")
    secret = {"kind": "token", "token": TOKEN}
    body = {"name": "files", "hosts": ["local.stdio"], "secret": secret}
    await talker.call("POST", "/v1/tools/credentials", json=body)
    await process(env={"FILES_TOKEN": "files"})
    [tool] = await opened("mcp:local/shown_environment")
    ctx = context(access_of(talker))
    assert (await tool.call(ctx, {"name": "LUMINOUS_MASTER_KEY"})).text == "(not there)"
    assert (await tool.call(ctx, {"name": "FILES_TOKEN"})).text == "[credential]"


async def test_a_process_that_dies_is_a_fault_and_is_started_again(talker, process, opened):
    await process()
    ctx = context(access_of(talker))
    [die] = await opened("mcp:local/die")
    [shown] = await opened("mcp:local/shown_environment")
    with pytest.raises(ToolFault) as fault:
        await die.call(ctx, {})
    assert fault.value.code == "server_unavailable"
    assert "may have been carried out" in fault.value.message
    assert (await shown.call(ctx, {"name": "NOTHING"})).text == "(not there)"


async def test_noise_between_messages_is_passed_over(talker, process, opened):
    await process()
    [tool] = await opened("mcp:local/noise")
    assert (await tool.call(context(access_of(talker)), {})).text == "after the noise"


async def test_a_command_that_cannot_be_started_is_a_failing_server(process):
    server = await process(command="/nowhere/at-all", args=[])
    assert (server.status, server.last_error) == ("failing", "its command cannot be started")


async def test_without_the_operators_word_no_process_is_started(talker, process, kernel):
    transport = {"type": "stdio", "command": STDIO[0], "args": [*STDIO[1:]]}
    body = {"name": "Local", "slug": "mine", "transport": transport}
    answer = await talker.call("POST", "/v1/mcp-servers", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "mcp_command_not_allowed")
    # One that was allowed when it was added is asked about again before it is started.
    server = await process()
    strict = McpSource(kernel.database, Credentials(kernel.database, kernel.vault), None, ())
    found = await strict.found(access_of(talker), server)
    assert "LUMINOUS_MCP_STDIO_COMMANDS" in found.failure


async def test_a_credential_for_hosts_goes_to_no_process(talker, process, opened):
    secret = {"kind": "token", "token": TOKEN}
    body = {"name": "files", "hosts": ["api.example.com"], "secret": secret}
    await talker.call("POST", "/v1/tools/credentials", json=body)
    server = await process(env={"FILES_TOKEN": "files"})
    assert server.status == "failing"
    with pytest.raises(ToolUnfit, match="may not be sent"):
        await opened("mcp:local/*")


@pytest.mark.parametrize(
    ("allowed", "asked", "fits"),
    [
        ("uvx time", ["uvx", "time"], True),
        ("uvx time", ["uvx", "time", "--utc"], True),
        ("uvx time", ["uvx", "timer"], False),
        ("uvx time", ["uvx"], False),
        ("uvx time", ["uvx", "--with", "evil", "time"], False),
        ("uvx time", ["/opt/uvx", "time"], False),
        ("", ["uvx"], False),
    ],
)
def test_a_command_line_must_begin_with_an_allowed_one(allowed, asked, fits):
    if fits:
        expect_allowed([allowed], asked[0], asked[1:])
    else:
        with pytest.raises(McpCommandNotAllowed):
            expect_allowed([allowed], asked[0], asked[1:])


@pytest.mark.parametrize("name", ["LD_PRELOAD", "PATH", "PYTHONPATH", "NODE_OPTIONS", "lower"])
async def test_variables_that_change_what_runs_are_refused(talker, name):
    transport = {"type": "stdio", "command": "x", "env": {name: "files"}}
    body = {"name": "Local", "slug": "mine", "transport": transport}
    assert (await talker.call("POST", "/v1/mcp-servers", json=body)).status_code == 422
