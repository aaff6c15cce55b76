"""A call of what is not there is a failed call like any other: journalled, told, and counted."""

import asyncio
from uuid import UUID

from app.agents.runtime.launching import Launcher, RunWanted
from app.agents.tools.tool import ToolTraits
from app.core.auth import Access, Permission
from tests.support.fakes.base import Said, say
from tests.support.identity import until
from tests.support.runs import Process, assert_whole, find, read

WRITES = ToolTraits("external", approval="always")
SENDS = ToolTraits("external", approval="never")


def _shown(agency):
    return [m["content"] for m in agency.fake.last.body["messages"] if m["role"] == "tool"]


async def _begun(app, kernel, agency, agent):
    """A run in a process of its own."""
    agents, person = app.state.agents, agency.talker.person
    [work] = [each for each in agents.works if each.kind == "agent_run"]
    process = await Process(kernel, work).start()
    launcher = Launcher(kernel.database, agents.definitions)
    launcher.runs, launcher.performing = process.runs, work
    user_id = UUID(person.user_id)
    workspace_id = UUID(person.workspace_id)
    access = Access(workspace_id, user_id, frozenset(Permission), "session", user_id)
    return process, await launcher.start(access, RunWanted(agent["slug"], "Go."))


async def _paused(kernel, run):
    async def waits():
        return (await find(kernel, run)).status == "paused"

    await until(waits)


async def test_a_tool_that_a_model_made_up_is_a_failed_step(agency):
    agency.bench.add("look", answer="seen")
    agent = await agency.make(tools=[{"tool": "test:look"}])
    agency.calls(("run_shell", {"command": "ls"}), ("look", {"q": "x"}))
    agency.says("I cannot.")
    streamed = await agency.stream(agent)
    assert streamed.types[-1] == "run.completed"
    run_id = streamed.events[0]["run_id"]
    [_, made_up, real, _] = await agency.steps(run_id)
    assert (made_up["name"], made_up["arguments"]) == ("run_shell", {"command": "ls"})
    assert (made_up["is_error"], real["is_error"]) == (True, False)
    said = "unknown_tool: There is no tool of this name; there are: look."
    assert (made_up["outcome"]["text"], _shown(agency)) == (said, [f"Error: {said}", "seen"])
    [error] = [each for each in streamed.events if each["type"] == "tool.error"]
    assert (error["name"], error["code"], error["text"]) == ("run_shell", "unknown_tool", said)
    assert streamed.types.count("tool.call") == 2
    assert (await agency.get(f"/v1/runs/{run_id}/result"))["tool_calls"] == 2


async def test_arguments_that_nobody_can_read_are_a_failed_step(agency):
    look = agency.bench.add("look", answer="seen")
    agent = await agency.make(tools=[{"tool": "test:look"}])
    deep = '{"q": ' + "[" * 100 + "]" * 100 + "}"
    written = ('{"q": ', deep, '{"q": NaN}', '["q"]', '{"q": "a\\u0000b"}')
    calls = [
        {"index": n, "id": f"call_{n}", "function": {"name": "look", "arguments": each}}
        for n, each in enumerate(written)
    ]
    agency.fake.will(say(Said((), extra={"tool_calls": calls}, finish="tool_calls")))
    agency.says("I see.")
    run = await agency.run(agent)
    assert run["text"] == "I see."
    steps = [each for each in await agency.steps(run["id"]) if each["kind"] == "tool"]
    kept = [each["arguments"] for each in steps]
    assert kept == ['{"q": ', deep, '{"q": NaN}', ["q"], {"q": "a\ufffdb"}]
    assert [each["outcome"].get("code") for each in steps] == ["invalid_arguments"] * 4 + [None]
    assert [arguments for _, arguments in look.calls] == [{"q": "a\ufffdb"}]


async def test_calls_beyond_the_cap_are_refused_side_by_side_too(agency):
    look = agency.bench.add("look")
    agent = await agency.make(tools=[{"tool": "test:look"}], limits={"tool_calls": 2})
    agency.calls(*[(name, {"q": "x"}) for name in ("nowhere", "look", "look", "nowhere")])
    agency.says("Enough.")
    run = await agency.run(agent)
    codes = [each.removeprefix("Error: ").split(":")[0] for each in _shown(agency)]
    assert (run["text"], len(look.calls)) == ("Enough.", 1)
    assert codes == ["unknown_tool", "found", "limit_reached", "limit_reached"]


async def test_an_approved_tool_that_is_gone_leaves_a_step(app, kernel, agency):
    pay = agency.bench.add("pay", traits=WRITES)
    agent = await agency.make(tools=[{"tool": "test:pay"}])
    agency.calls(("pay", {"q": "10 USD"}))
    process, run = await _begun(app, kernel, agency, agent)
    await _paused(kernel, run)
    await process.kill()
    del agency.bench.tools["pay"]
    [approval] = await agency.get(f"/v1/runs/{run.id}/approvals")
    agency.says("It is gone.")
    path, body = f"/v1/approvals/{approval['id']}", {"decision": "approve"}
    assert (await agency.talker.call("POST", path, json=body)).status_code == 200
    events = await read(app.state.runs, run)
    assert_whole(events)
    assert (await find(kernel, run)).status == "completed"
    [step] = [each for each in await agency.steps(str(run.id)) if each["kind"] == "tool"]
    assert (step["is_error"], step["outcome"]["code"], pay.calls) == (True, "tool_gone", [])
    assert "tool_gone" in _shown(agency)[-1]
    types = [each.type for each in events]
    assert types.count("tool.call") == types.count("tool.error") == 1


async def test_a_tool_that_went_with_its_process_says_so(app, kernel, agency):
    sent = asyncio.Event()

    async def never(_):
        sent.set()
        await asyncio.Event().wait()

    agency.bench.add("send", traits=SENDS, answer=never)
    agent = await agency.make(tools=[{"tool": "test:send"}])
    agency.calls(("send", {"q": "x"}))
    process, run = await _begun(app, kernel, agency, agent)
    await sent.wait()
    await process.kill()
    del agency.bench.tools["send"]
    agency.says("Who knows.")
    await app.state.runs.recovery.sweep()
    events = await read(app.state.runs, run)
    assert_whole(events)
    [step] = [each for each in await agency.steps(str(run.id)) if each["kind"] == "tool"]
    assert (step["status"], step["outcome"]["code"]) == ("ended", "interrupted")
    assert [each.type for each in events].count("tool.call") == 1
