"""Runs driven by a real Temporal server: they end as ever, whatever dies, and it reads nothing."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest
import pytest_asyncio

from app.core.config import Settings
from tests.inference.chaos.processes import Process, two_processes
from tests.support.workflows.fleet import Client
from tests.support.workflows.killing import (
    CHAIN_STEPS,
    killed_at_random,
    long_chain,
    new_key,
    once,
    one_of_two_killed,
    undisturbed,
)
from tests.support.workflows.outside import open_outside
from tests.support.workflows.temporal import MISSING, Server, is_there, open_temporal

pytestmark = [
    pytest.mark.temporal,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not is_there(), reason=MISSING),
]

SEEDS, CHAINS, KILLS = range(20, 28), 6, 2
PAUSE_SECONDS = 0.03
SECRET = "only-ours-to-know"
INVOICE = {
    "nodes": [
        {"id": "ask", "type": "approval", "with": {"title": "Pay {{ inputs.note }}?"}},
        {"id": "paid", "type": "transform", "with": {"value": "{{ inputs.note }} is paid"}},
    ],
    "edges": [{"from": "ask", "to": "paid"}],
    "outputs": "{{ nodes.paid.output }}",
}


@dataclass
class Fleet:
    temporal: Server
    first: Process
    second: Process
    key: str

    def clients(self) -> tuple[Client, Client]:
        """Of both processes, which live."""
        for process in (self.first, self.second):
            process.revive()
        return Client(self.first.address, self.key), Client(self.second.address, self.key)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def fleet(apart: Callable[[str], Settings]) -> AsyncIterator[Fleet]:
    with (
        open_temporal() as temporal,
        two_processes(apart("killed"), temporal.settings) as (first, second),
    ):
        yield Fleet(temporal, first, second, await new_key(first))


async def come_to(client: Client, run_id: str, status: str) -> None:
    async with asyncio.timeout(60):
        while (await client.run(run_id))["status"] != status:  # noqa: ASYNC110 - it is asked
            await asyncio.sleep(0.05)


async def waiting(client: Client, slug: str) -> tuple[str, str]:
    """Two runs that wait for an approval."""
    workflow = await client.make(slug, INVOICE)
    inputs = {"note": SECRET}
    one = await client.start(workflow, "one", inputs=inputs)
    await come_to(client, one, "paused")
    other = await client.start(workflow, "other", inputs=inputs, wait=True)
    assert (await client.run(other))["status"] == "paused"
    return one, other


async def test_a_run_is_woken_and_cancelled_and_temporal_knows_only_its_id(fleet):
    client, _ = fleet.clients()
    woken, cancelled = await waiting(client, "invoice")
    await client.ask("POST", f"/v1/workflow-runs/{cancelled}/cancel", json={})
    await come_to(client, cancelled, "cancelled")
    assert await client.decide_all() == 1
    await come_to(client, woken, "completed")
    assert (await client.run(woken))["output"] == f"{SECRET} is paid"
    history = json.dumps(fleet.temporal.history(woken))
    assert "WorkflowExecutionSignaled".upper() in history.replace("_", "")
    assert SECRET not in history


async def test_runs_end_though_temporal_forgets_all_of_them(fleet):
    client, _ = fleet.clients()
    run_ids = await waiting(client, "forgotten")
    fleet.temporal.kill()
    fleet.temporal.start()
    ended = await client.ended(list(run_ids), 120)
    assert {run["output"] for run in ended.values()} == {f"{SECRET} is paid"}


async def test_a_process_that_stops_gives_its_runs_to_another(fleet):
    stopping, staying = fleet.clients()
    with open_outside(PAUSE_SECONDS) as outside:
        workflow = await stopping.make("given-away", long_chain(outside.address, 20))
        run_ids = [await stopping.start(workflow, f"run-{n}") for n in range(CHAINS)]
        await asyncio.to_thread(outside.wait_for, CHAINS * 2)
        await asyncio.to_thread(fleet.first.stop)
        ended = await staying.ended(run_ids, 120)
        assert {run["output"] for run in ended.values()} == {19}
        assert sum([len(await once(staying, run_id)) for run_id in run_ids]) == CHAINS * 20
    logs = [await staying.log(run_id) for run_id in run_ids]
    assert any('"process_stopped"' in log for log in logs)
    assert not any('"process_lost"' in log for log in logs)


async def test_whatever_dies_a_run_ends_as_ever(fleet):
    living, dying = fleet.clients()
    with open_outside(PAUSE_SECONDS) as outside:
        taken = await one_of_two_killed(dying, living, fleet.second, outside, CHAINS)
        assert taken.steps == CHAINS * CHAIN_STEPS
    with open_outside(PAUSE_SECONDS) as outside:
        calm = [each for each in await undisturbed(living, SEEDS, outside) if each.calls]
        killed = await killed_at_random(living, fleet.first, calm, outside, KILLS, seed=20)
        assert killed.kills == KILLS + 1
        assert max(killed.losses) >= KILLS
