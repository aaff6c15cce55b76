"""A process dies at any event of an agent's run: another comes to the same end, doing no more."""

import asyncio
from uuid import UUID

import pytest
import pytest_asyncio

from app.agents.runtime.launching import Launcher, RunWanted
from app.agents.tools.tool import ToolTraits
from app.core.auth import Access, Permission
from tests.support.fakes.base import Said, say
from tests.support.runs import Process, assert_whole, find, outrun, read

TOOLS = {
    "read": ToolTraits("read", idempotent=True),
    "note": ToolTraits("write", approval="never"),
    "send": ToolTraits("external", approval="never"),
}
END = "All three are done."
THOUGHT = ("First I look, ", "then I speak. ")


async def _by_what_was_given(fake, exchange, body):
    """A model that calls one tool after the other, going by the results it is shown."""
    given = sum(message["role"] == "tool" for message in body["messages"])
    if given < len(TOOLS):
        name = list(TOOLS)[given]
        said = Said(("Next. ",), THOUGHT, calls=((f"call_{given}", name, {"q": name}),))
    else:
        said = Said((END,), THOUGHT)
    await say(said)(fake, exchange, body)


class Scripted(list):
    """A script that never ends."""

    def popleft(self):
        return _by_what_was_given

    def __bool__(self):
        return True


@pytest_asyncio.fixture(loop_scope="session")
async def worker(app, agency, kernel):
    """An agent with three tools, and who may run it."""
    for name, traits in TOOLS.items():
        agency.bench.add(name, traits=traits, answer=f"{name}: done")
    agency.fake.script = Scripted()
    return await agency.make(tools=[{"tool": f"test:{name}"} for name in TOOLS])


def _access(agency):
    person = agency.talker.person
    workspace_id, user_id = UUID(person.workspace_id), UUID(person.user_id)
    return Access(workspace_id, user_id, frozenset(Permission), "session", user_id)


async def _begun(app, kernel, agency, agent):
    """A run under way in a process of its own."""
    agents = app.state.agents
    [work] = [each for each in agents.works if each.kind == "agent_run"]
    process = await Process(kernel, work).start()
    launcher = Launcher(kernel.database, agents.definitions)
    launcher.runs, launcher.performing = process.runs, work
    run = await launcher.start(_access(agency), RunWanted(agent["slug"], "Do all three."))
    return process, run


async def _killed_at(seq, app, kernel, agency, agent):
    """The events of a run whose process died when its reader had seen `seq` of them."""
    process, run = await _begun(app, kernel, agency, agent)
    await _until_seen(process, run, seq)
    await process.kill()
    await app.state.runs.recovery.sweep()
    return run, await read(app.state.runs, run)


async def _until_seen(process, run, seq):
    log = process.runs.executor._local.get(run.id)
    local = process.runs.executor._local
    # Each turn of the loop counts.
    while log is not None and log.visible < seq and run.id in local:  # noqa: ASYNC110
        await asyncio.sleep(0)


EVENTS = 37


@pytest.mark.parametrize("seq", range(1, EVENTS))
async def test_the_end_is_the_same_wherever_it_dies(seq, app, kernel, agency, worker):
    run, events = await _killed_at(seq, app, kernel, agency, worker)
    assert_whole(events)
    assert events[-1].type == "run.completed"
    assert events[-1].body["result"]["text"].endswith(END)
    for name, traits in TOOLS.items():
        calls = agency.bench.tools[name].calls
        keys = [key for key, _ in calls]
        assert len(set(keys)) <= 1
        if not traits.idempotent:
            assert len(calls) <= 1
    assert [each.type for each in events].count("tool.call") == len(TOOLS)
    assert (await find(kernel, run)).status == "completed"


def _told_by_message(events, kind):
    told = {event.body["message_id"]: "" for event in events if event.type == "message.created"}
    for event in events:
        if event.type == kind:
            told[event.body["message_id"]] += event.body["text"]
    return list(told.values())


@pytest.mark.parametrize("seen", range(2, 27, 2))
async def test_the_log_tells_of_what_ended_while_it_could_not_be_written(
    seen, app, kernel, agency, worker
):
    asked, is_over = asyncio.Event(), asyncio.Event()

    async def answer(fake, exchange, body):
        results = sum(message["role"] == "tool" for message in body["messages"])
        if results == len(TOOLS) and not asked.is_set():
            asked.set()
            await is_over.wait()
        await _by_what_was_given(fake, exchange, body)

    agency.fake.script.popleft = lambda: answer
    process, run = await _begun(app, kernel, agency, worker)
    await _until_seen(process, run, seen)
    events = await outrun(process, app.state.runs, run, asked, is_over)
    kinds = [each.type for each in events]
    assert kinds.count("tool.call") == kinds.count("tool.result") == len(TOOLS)
    assert kinds.count("step.completed") == kinds.count("usage.updated") == len(TOOLS) + 1
    assert _told_by_message(events, "text.delta") == ["Next. "] * len(TOOLS) + [END]
    thoughts = _told_by_message(events, "reasoning.delta")
    assert thoughts == ["".join(THOUGHT)] * (len(TOOLS) + 1)
    marks = [f"{each.type} {each.body['name']}" for each in events if each.type[:5] == "tool."]
    assert marks == [f"tool.{kind} {name}" for name in TOOLS for kind in ("call", "result")]
