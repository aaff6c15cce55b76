"""Runs driven by a real Temporal server: they end as ever, whatever dies, and it reads nothing."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.inference.chaos.processes import Process, two_processes
from tests.support.workflows.fleet import Client
from tests.support.workflows.killing import (
    killed_at_random,
    kept_once,
    long_chain,
    new_key,
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

GRAPHS, CHAINS, KILLS, SEED = 6, 6, 2, 20
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

Story = Callable[[Server, Process, Process], Awaitable[None]]


def told(tmp_path: Path, story: Story) -> None:
    with (
        open_temporal() as temporal,
        two_processes(tmp_path, temporal.settings) as (_, (first, second)),
    ):
        asyncio.run(story(temporal, first, second))


async def paused(client: Client, run_id: str) -> None:
    async with asyncio.timeout(30):
        while (await client.run(run_id))["status"] != "paused":  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def reasons(client: Client, run_id: str) -> list[str]:
    """Why processes went on with a run."""
    run = await client.ask("GET", f"/v1/workflow-runs/{run_id}/steps?limit=1")
    assert run["data"]
    return []


def test_a_run_pauses_is_woken_and_ends_though_temporal_forgets_everything(tmp_path):
    async def story(temporal: Server, first: Process, second: Process) -> None:
        client = Client(first.address, new_key(first))
        workflow = await client.make("invoice", INVOICE)
        run_ids = [
            await client.start(workflow, f"run-{n}", inputs={"note": SECRET}) for n in range(3)
        ]
        for run_id in run_ids:
            await paused(client, run_id)
        history = json.dumps(temporal.history(run_ids[0]))
        assert run_ids[0] in history
        assert SECRET not in history
        # One is cancelled while it waits, by the other process.
        other = Client(second.address, client.key)
        await other.ask("POST", f"/v1/workflow-runs/{run_ids[2]}/cancel", json={})
        ended = await other.run(run_ids[2])
        async with asyncio.timeout(30):
            while ended["status"] == "paused" or ended["status"] == "queued":
                ended = await other.run(run_ids[2])
        temporal.kill()
        temporal.start()
        ended = await client.ended(run_ids[:2], 60)
        assert {run["output"] for run in ended.values()} == {f"{SECRET} is paid"}

    told(tmp_path, story)


def test_whatever_dies_a_run_ends_as_ever(tmp_path):
    async def story(_: Server, first: Process, second: Process) -> None:
        key = new_key(first)
        living, dying = Client(first.address, key), Client(second.address, key)
        with open_outside(PAUSE_SECONDS) as outside:
            leases, steps = await one_of_two_killed(dying, living, second, outside, CHAINS)
            print("leases", leases)
            assert steps == CHAINS * 10
        with open_outside(PAUSE_SECONDS) as outside:
            made = [await living.make_random(SEED + n, outside.address) for n in range(GRAPHS)]
            expected = await undisturbed(living, made)
            killed = await killed_at_random(living, first, made, expected, outside, KILLS, SEED)
            print(killed)
            assert killed.kills == KILLS

    told(tmp_path, story)
