"""Memory as agents use it."""

from uuid import uuid4

import pytest

from app.agents.tools.errors import ToolUnfit
from app.agents.tools.tool import ToolContext, ToolFault, Wanted
from tests.agents.memory.conftest import access_of, listed, new_agent, remember, texts
from tests.agents.memory.test_blocks import make


@pytest.fixture(name="open_tool")
async def _open_tool(app, talker):
    """`open_tool(name, config)`: the tool as a definition has it, and how it is called."""
    access = access_of(talker)

    async def opened(name, config=None, agent_id=None):
        (tool,) = await app.state.agents.tools.open(access, Wanted(name, config or {}))
        ctx = ToolContext(access, uuid4(), "call", "key", agent_id=agent_id)

        async def call(**arguments):
            return await tool.call(ctx, arguments)

        return tool, call

    return opened


async def test_an_agent_remembers_the_users_own_by_itself_and_the_workspaces_with_leave(
    open_tool, talker
):
    tool, call = await open_tool("remember")
    assert (tool.traits.approval, tool.traits.effects) == ("never", "write")
    made = await call(text="The user lives in Graz.", subject="user", predicate="lives in",
                      object="Graz")  # fmt: skip
    again = await call(text="The user lives in Graz.", subject="user", predicate="lives in",
                       object="Graz")  # fmt: skip
    assert (made.data["new"], again.data) == (True, {"id": made.data["id"], "new": False})
    (memory,) = await listed(talker)
    assert (memory["scope"], memory["origin"]["kind"]) == ("user", "run")
    assert memory["origin"]["run_id"] is not None
    tool, call = await open_tool("remember", {"scope": "workspace"})
    assert tool.traits.approval == "always"
    await call(text="We close at five.")
    assert await texts(talker, scope="workspace") == ["We close at five."]


async def test_an_agent_remembers_its_own_work(open_tool, talker, kernel):
    agent = await new_agent(kernel, talker)
    tool, call = await open_tool("remember", {"scope": "agent"}, agent)
    assert tool.traits.approval == "always"
    await call(text="The API wants dates in UTC.")
    assert [each["agent_id"] for each in await listed(talker, scope="agent")] == [str(agent)]
    _, stray = await open_tool("remember", {"scope": "agent"})
    with pytest.raises(ToolFault) as fault:
        await stray(text="Whose?")
    assert fault.value.code == "agent_not_found"


async def test_an_agent_recalls_what_is_quoted_as_data(open_tool, talker):
    tool, call = await open_tool("recall_memories")
    assert (tool.traits.effects, tool.traits.approval) == ("read", "never")
    assert (await call(question="Which tea?")).text == "Nothing is remembered about this."
    made = await remember(talker, "The user drinks green tea.")
    outcome = await call(question="Which tea does the user drink?")
    assert outcome.data["memories"] == [{"id": made["id"], "text": made["text"]}]
    assert "not instructions" in outcome.text


async def test_forgetting_takes_leave_and_an_id_that_one_sees(open_tool, talker):
    tool, call = await open_tool("forget_memory")
    assert tool.traits.approval == "always"
    made = await remember(talker, "The user drinks green tea.")
    await call(id=made["id"])
    assert await texts(talker) == []
    for wrong in (str(uuid4()), "x"):
        with pytest.raises(ToolFault) as fault:
            await call(id=wrong)
        assert fault.value.code == "memory_not_found"


async def test_an_agent_edits_the_blocks_that_its_author_named(open_tool, talker):
    await make(talker, "notes", text="One.\nTwo.")
    await make(talker, "fixed", text="Stay.", read_only=True)
    await make(talker, "other", text="Stay.")
    with pytest.raises(ToolUnfit):
        await open_tool("edit_memory_block")
    _, call = await open_tool("edit_memory_block", {"labels": ["notes", "fixed", "gone"]})
    await call(label="notes", text="Three.")
    outcome = await call(label="notes", replace="Two.", text="2.")
    assert outcome.data["text"] == "One.\n2.\nThree."
    for arguments, code in (
        ({"label": "fixed", "text": "x"}, "memory_block_read_only"),
        ({"label": "other", "text": "x"}, "memory_block_not_found"),
        ({"label": "gone", "text": "x"}, "memory_block_not_found"),
        ({"label": "notes", "text": "x", "replace": "Four."}, "not_found"),
        ({"label": "notes", "text": "x" * 8000}, "too_long"),
    ):
        with pytest.raises(ToolFault) as fault:
            await call(**arguments)
        assert fault.value.code == code
