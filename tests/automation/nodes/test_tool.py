"""`tool`: the agents' tools with a workflow's arguments, and what must be agreed to before."""

import pytest

from app.agents.tools.tool import Outcome, ToolFault, ToolTraits
from app.core.auth import Permission
from tests.agents.runtime.conftest import bench  # noqa: F401 - a fixture
from tests.agents.web.conftest import Site, json_answer
from tests.automation.nodes.conftest import access_of

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_tool_is_called_with_the_steps_key(steps, bench):  # noqa: F811
    tool = bench.add("find", answer=Outcome("Two.", {"count": 2}))
    given = await steps.output("tool", {"tool": "test:find", "arguments": {"q": "x"}})

    assert given == {"text": "Two.", "data": {"count": 2}}
    assert tool.calls == [(f"{steps.run_id}:step", {"q": "x"})]


async def test_wrong_arguments_do_not_reach_a_tool(steps, bench):  # noqa: F811
    tool = bench.add("find")
    fault = await steps.fault("tool", {"tool": "test:find", "arguments": {}})
    assert (fault.code, tool.calls) == ("invalid_arguments", [])
    assert await steps.mistakes("tool", {"tool": "test:find", "arguments": {}}) == {
        "/arguments": "invalid_arguments"
    }


@pytest.mark.parametrize(("code", "retryable"), [("timeout", True), ("not_found", False)])
async def test_a_tools_fault_is_the_steps(steps, bench, code, retryable):  # noqa: F811
    bench.add("find", answer=ToolFault(code, "No."))
    fault = await steps.fault("tool", {"tool": "test:find", "arguments": {"q": "x"}})
    assert (fault.code, fault.retryable) == (code, retryable)


@pytest.mark.parametrize(("status", "retryable"), [(503, True), (500, True), (404, False)])
async def test_what_a_host_answers_tells_whether_it_may_do_later(steps, status, retryable):
    async with Site(x=json_answer({}, status=status)) as site:
        settings = {"tool": "fetch_page", "arguments": {"url": f"{site.url}/x"}}
        fault = await steps.fault("tool", settings | {"approval": "never"})
        target = steps.types["tool"].target(steps.config("tool", settings))
    assert fault.retryable is retryable
    assert target == f"fetch_page {site.url}"


async def test_a_call_that_a_person_must_agree_to_takes_an_approval(steps, bench, talker):  # noqa: F811
    acts = ToolTraits("external", approval="always")
    tool = bench.add("send", traits=acts)
    settings = {"tool": "test:send", "arguments": {"q": "x"}}
    waived = {**settings, "approval": "never"}
    fewer = access_of(talker, frozenset(Permission) - {Permission.WORKFLOW_TASKS_WRITE})

    assert await steps.mistakes("tool", settings) == {"/tool": "approval_needed"}
    assert (await steps.fault("tool", settings)).code == "approval_needed"
    assert await steps.mistakes("tool", waived) == {}
    assert await steps.mistakes("tool", waived, access=fewer) == {"/approval": "permission_denied"}
    assert not tool.calls
    await steps.given("tool", waived)
    assert len(tool.calls) == 1


async def test_an_address_that_the_author_wrote_out_is_agreed_to(steps):
    written = {"tool": "fetch_page", "arguments": {"url": "https://example.com/"}}
    made = {"tool": "fetch_page", "arguments": {"url": "{{ nodes.a.output.text }}"}}
    assert await steps.mistakes("tool", written) == {}
    assert await steps.mistakes("tool", made) == {"/tool": "approval_needed"}


async def test_only_what_may_be_done_twice_is_repeatable(steps, bench):  # noqa: F811
    bench.add("find")
    bench.add("send", traits=ToolTraits("write", idempotent=False))
    node = steps.types["tool"]
    for name, repeatable in (("find", True), ("send", False)):
        config = steps.config("tool", {"tool": f"test:{name}"})
        assert await node.is_repeatable(steps.context(), config) is repeatable


async def test_what_a_tool_is_stands_in_the_definition(steps):
    assert await steps.mistakes("tool", {"tool": "{{ inputs.tool }}"}) == {
        "/tool": "tool_not_fixed"
    }
    assert await steps.mistakes("tool", {"tool": "nothing"}) == {"/tool": "tool_unknown"}
