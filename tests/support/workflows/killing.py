"""Workflows whose processes are killed: what they come to, and how often each step was kept."""

import asyncio
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.inference.chaos.processes import LEASE_SECONDS, Process
from tests.support.workflows.fleet import Client, outcome
from tests.support.workflows.outside import Outside


@dataclass(frozen=True)
class Killed:
    """What came of runs whose processes were killed. `repeated` steps were under way at a kill."""

    kills: int
    runs: int
    steps: int
    repeated: int
    seconds: float


def new_key(process: Process) -> str:
    """An API key of the first owner, who is made where there is none yet."""
    command = [sys.executable, "-m", "app.cli", "api-key", "create"]
    told = subprocess.run(  # noqa: S603
        command, env={**process._environment}, capture_output=True, text=True, check=True
    )
    return told.stdout.split()[-1]


async def undisturbed(client: Client, workflows: Sequence[str]) -> list[Any]:
    """What the workflows come to when nobody kills anything."""
    run_ids = [await client.start(each, "calm") for each in workflows]
    ended = await client.ended(run_ids, 300)
    return [outcome(ended[run_id]) for run_id in run_ids]


async def killed_at_random(
    client: Client,
    process: Process,
    workflows: Sequence[str],
    expected: Sequence[Any],
    outside: Outside,
    kills: int,
    seed: int,
) -> Killed:
    """Kill the only process again and again while the workflows run; each ends as expected."""
    chance = random.Random(seed)  # noqa: S311 - a seed
    begun, done = time.monotonic(), 0
    started = asyncio.gather(*(client.start(each, "killed") for each in workflows))
    for _ in range(kills):
        await asyncio.sleep(chance.uniform(0.3, 2.0))
        process.kill()
        done += 1
        await asyncio.to_thread(process.revive)
    run_ids = await started
    ended = await client.ended(run_ids, 600)
    wrong = {
        workflow: (outcome(ended[run_id]), wanted)
        for workflow, run_id, wanted in zip(workflows, run_ids, expected, strict=True)
        if outcome(ended[run_id]) != wanted
    }
    assert not wrong, wrong
    steps = await kept_once(client, run_ids)
    repeated = sum(count - 1 for count in outside.ended.values() if count > 1)
    return Killed(done, len(run_ids), steps, repeated, time.monotonic() - begun)


async def kept_once(client: Client, run_ids: Sequence[str]) -> int:
    """How many steps were kept; raises AssertionError where one was kept twice."""
    count = 0
    for run_id in run_ids:
        places = Counter((each["path"], each["attempt"]) for each in await client.steps(run_id))
        assert max(places.values(), default=1) == 1, (run_id, places)
        count += len(places)
    return count


def long_chain(address: str, length: int) -> dict[str, Any]:
    """Steps one after the other, each of which takes its time outside."""
    url = f"{address}/work"
    nodes = [
        {"id": f"n{place}", "type": "http",
         "with": {"method": "POST", "url": url, "body": {"value": place}}}
        for place in range(length)
    ]  # fmt: skip
    edges = [{"from": f"n{place}", "to": f"n{place + 1}"} for place in range(length - 1)]
    last = f"n{length - 1}"
    return {"nodes": nodes, "edges": edges, "outputs": f"{{{{ nodes.{last}.output.body.v }}}}"}


async def one_of_two_killed(
    dying: Client, living: Client, process: Process, outside: Outside, count: int
) -> tuple[float, int]:
    """Leases from the kill of one worker until the other has ended all runs; steps kept."""
    workflow = await dying.make("chain", long_chain(outside.address, 10))
    run_ids = [await dying.start(workflow, f"run-{number}") for number in range(count)]
    await asyncio.to_thread(outside.wait_for, count * 3)
    process.kill()
    killed_at = time.monotonic()
    ended = await living.ended(run_ids, 120)
    seconds = time.monotonic() - killed_at
    assert {run["output"] for run in ended.values()} == {9}
    return seconds / LEASE_SECONDS, await kept_once(living, run_ids)
