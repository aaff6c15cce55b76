"""Lines on their way to a provider's own batch API, and what those cost that never get there."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from app.core.db import SYSTEM, Scope
from app.core.ids import new_id
from app.inference.batches import crud
from app.inference.batches.batching import Batching
from app.inference.batches.models import BatchPart
from app.inference.batches.parts import Outside, Parts
from app.runs.runs.models import Run
from tests.inference.batches.test_batches import calls_of, ended, line, make
from tests.inference.batches.test_upstream import COST
from tests.support.chat import connected
from tests.support.fakes.openai_batches import FakeOpenAIBatches
from tests.support.runs import processes, read, until

LINES = [line(n, "openai/gpt-4o") for n in range(5)]


@dataclass
class Stall:
    """A process that waits once all lines are let in, right before it hands them over.

    A `dead` one does not even give up when it is told to.
    """

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    dead: bool = False

    async def wait(self):
        self.reached.set()
        while not self.over.is_set():
            with suppress(*[asyncio.CancelledError] * self.dead):
                await self.over.wait()


@pytest.fixture
def stall(monkeypatch):
    stall, submit = Stall(), Parts._submit

    async def late(*given):
        if not stall.reached.is_set():
            await stall.wait()
        await submit(*given)

    monkeypatch.setattr(Parts, "_submit", late)
    return stall


def figures(calls):
    return sorted((call.status, float(call.cost_usd)) for call in calls)


async def test_what_a_process_let_in_and_never_handed_over_costs_nothing(
    talker, kernel, app, stall
):
    fake, stall.dead = FakeOpenAIBatches(), True
    fake.at_once = True
    async with connected(talker, fake):
        batch = await make(talker, *LINES)
        await stall.reached.wait()
        async with kernel.database.unit(SYSTEM) as session:
            run = await session.get(Run, batch["run_id"])
            run.executor_id = None
        inference = app.state.inference
        outside = Outside(inference.transport, inference.directory, inference.prices)
        batching = Batching(kernel.database, inference.calls, outside, 8)
        async with processes(kernel, batching) as (other,):
            await other.runs.recovery.sweep()
            await read(other.runs, run)
        done = await ended(talker, batch)
        calls = await calls_of(kernel, app, batch["run_id"])
        stall.over.set()
        await until(lambda: run.id not in app.state.runs.executor._active)
    assert (done["status"], done["succeeded"]) == ("completed", 5)
    assert len(fake.batches) == 1
    paid = ("succeeded", pytest.approx(COST, rel=1e-3))
    assert figures(calls) == [("failed", 0.0)] * 5 + [paid] * 5


async def test_a_batch_cancelled_before_it_is_handed_over_costs_nothing(talker, kernel, app, stall):
    fake = FakeOpenAIBatches()
    async with connected(talker, fake):
        batch = await make(talker, *LINES)
        await stall.reached.wait()
        await talker.call("POST", f"/v1/batches/{batch['id']}/cancel")
        done = await ended(talker, batch)
    assert (done["status"], fake.batches) == ("cancelled", {})
    assert figures(await calls_of(kernel, app, batch["run_id"])) == [("failed", 0.0)] * 5
    run = (await talker.call("GET", f"/v1/runs/{batch['run_id']}")).json()
    assert float(run["cost_usd"]) == 0


async def test_lines_that_a_provider_takes_and_then_refuses_to_begin_are_asked_by_us(
    talker, kernel, app
):
    class Full(FakeOpenAIBatches):
        """Its queue has no room for the batch."""

        def _finish(self, batch):
            batch["status"] = "failed"
            batch["errors"] = {"data": [{"code": "token_limit_exceeded", "message": "Full."}]}

    fake = Full()
    fake.at_once = True
    async with connected(talker, fake):
        batch = await make(talker, *LINES)
        done = await ended(talker, batch)
    assert (done["status"], done["succeeded"], len(fake.batches)) == ("completed", 5, 1)
    asked = [sent for sent in fake.requests if sent.path.endswith("/chat/completions")]
    assert len(asked) == 5
    calls = figures(await calls_of(kernel, app, batch["run_id"]))
    assert [status for status, _ in calls] == ["failed"] * 5 + ["succeeded"] * 5
    assert [cost for _, cost in calls[:5]] == [0.0] * 5


async def test_lines_that_may_have_been_written_down_already_are_once_more(talker, kernel):
    batch = await make(talker, line(1), processing="paced")
    await ended(talker, batch)
    workspace_id, batch_id = UUID(talker.person.workspace_id), UUID(batch["id"])
    part = BatchPart(
        id=new_id(), workspace_id=workspace_id, batch_id=batch_id, integration_id=new_id(),
        url="/v1/chat/completions", done=False,
    )  # fmt: skip
    async with kernel.database.unit(Scope(workspace_id=workspace_id)) as session:
        (found,) = await crud.ended(session, workspace_id, batch_id, crud.ENDED, 0)
    for _ in range(2):
        async with kernel.database.unit(Scope(workspace_id=workspace_id)) as session:
            await crud.add_part(session, part, {found.id: new_id()})
    async with kernel.database.unit(Scope(workspace_id=workspace_id)) as session:
        assert [one.id for one in await crud.open_parts(session, workspace_id, batch_id)] == [
            part.id
        ]
