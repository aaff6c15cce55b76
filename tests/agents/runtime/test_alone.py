"""An agent without tools needs no loop, and comes to the same end wherever its process dies."""

import asyncio

import pytest
from sqlalchemy import select, text

from app.agents.runtime.launching import Launcher, RunWanted
from app.agents.runtime.models import ExecutionStep
from app.core.db import Scope
from tests.agents.runtime.test_kills import _access, _killed_at
from tests.support import identity
from tests.support.fakes.base import Said, say
from tests.support.runs import Process, assert_whole, find, read, until

SCHEMA = {"type": "object", "required": ["tea"], "properties": {"tea": {"type": "string"}}}


async def _by_what_was_said(fake, exchange, body):
    """A model whose first answer will not do, going by what it is shown."""
    mends = "does not satisfy" in str(body["messages"][-1]["content"])
    await say(Said(('{"tea": "green"}' if mends else "Green tea.",)))(fake, exchange, body)


class Scripted(list):
    """A script that never ends."""

    def popleft(self):
        return _by_what_was_said

    def __bool__(self):
        return True


# In the first answer, behind it, at the second, and behind that.
@pytest.mark.parametrize("seq", [4, 7, 8, 9])
async def test_an_answer_that_was_mended_within_its_steps_stays_so(seq, app, kernel, agency):
    agency.fake.script = Scripted()
    agent = await agency.make(output_schema=SCHEMA, limits={"steps": 3})
    run, events = await _killed_at(seq, app, kernel, agency, agent)
    assert_whole(events)
    assert events[-1].type == "run.completed", events[-1].body
    assert (await find(kernel, run)).result["output"] == {"tea": "green"}


class Continuing(list):
    """A model that says more where it is shown what it has said already."""

    def popleft(self):
        return self._say

    async def _say(self, fake, exchange, body):
        has_begun = any(message["role"] == "assistant" for message in body["messages"])
        await say(Said((" Indeed.",) if has_begun else ("Green", " tea.")))(fake, exchange, body)

    def __bool__(self):
        return True


@pytest.mark.parametrize("seq", range(1, 9))
async def test_an_answer_is_whole_wherever_its_process_dies(seq, app, kernel, agency):
    agency.fake.script = Continuing()
    run, events = await _killed_at(seq, app, kernel, agency, await agency.make())
    assert_whole(events)
    told = "".join(event.body["text"] for event in events if event.type == "text.delta")
    assert told.startswith("Green tea.")
    assert [event.type for event in events].count("step.completed") == 1
    assert (await find(kernel, run)).result["text"] == told
    assert await _steps(kernel, run) == [("ended", told)]


async def test_the_last_step_is_told_of_once_it_is_kept_with_the_runs_end(app, kernel, agency):
    is_held = asyncio.Event()

    async def answer(fake, exchange, body):
        await is_held.wait()
        await say(Said(("Green tea.",)))(fake, exchange, body)

    agency.fake.script.append(answer)
    agents, agent = app.state.agents, await agency.make()
    [work] = [each for each in agents.works if each.kind == "agent_run"]
    process = await Process(kernel, work).start()
    launcher = Launcher(kernel.database, agents.definitions)
    launcher.runs, launcher.performing = process.runs, work
    run = await launcher.start(_access(agency), RunWanted(agent["slug"], "Which tea?"))
    log = process.runs.executor._local[run.id]
    await identity.until(lambda: _steps(kernel, run), 60)  # it is written once it has lasted
    held = text("select 1 from runs where id = :id for no key update")
    async with kernel.database.unit(Scope(run.workspace_id)) as session:
        await session.execute(held, {"id": run.id})
        is_held.set()
        await until(lambda: "usage.updated" in [event.type for event in log.events])
        await asyncio.sleep(0.1)
        assert [event.type for event in log.events[: log.visible]][-1] == "text.delta"
        assert await _steps(kernel, run) == [("started", "")]
    events = await read(process.runs, run)
    await process.stop()
    assert_whole(events)
    ending = ["text.delta", "usage.updated", "step.completed", "run.completed"]
    assert [event.type for event in events][-4:] == ending
    assert await _steps(kernel, run) == [("ended", "Green tea.")]


async def _steps(kernel, run):
    query = select(ExecutionStep).where(ExecutionStep.execution_id == run.id)
    async with kernel.database.unit(Scope(run.workspace_id)) as session:
        found = (await session.scalars(query)).all()
    said = [(each.outcome or {}).get("parts", ()) for each in found]
    texts = ["".join(part["text"] for part in parts) for parts in said]
    return [(step.status, words) for step, words in zip(found, texts, strict=True)]
