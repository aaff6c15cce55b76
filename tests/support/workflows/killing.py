"""Workflows whose processes are killed: what they come to, and how often each step was kept."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx2

from app.core.auth import Permission
from tests.inference.chaos.processes import LEASE_SECONDS, Process
from tests.support import identity
from tests.support.workflows.features import carried_out
from tests.support.workflows.fleet import PLAIN, Client, outcome
from tests.support.workflows.outside import Outside

SCOPES = [
    Permission.RUNS_READ,
    Permission.WORKFLOWS_READ,
    Permission.WORKFLOWS_RUN,
    Permission.WORKFLOWS_WRITE,
    Permission.WORKFLOW_TASKS_WRITE,
]
CHAIN = "chain"
CHAIN_STEPS = 10
# Of a chain: done by the process that dies.
STEPS_BEFORE = 3


@dataclass(frozen=True)
class Calm:
    """A random workflow, what it came to undisturbed, and how many steps it had done outside."""

    seed: int
    definition: Mapping[str, Any]
    outcome: Any
    calls: int


@dataclass
class Killed:
    """What came of runs whose processes were killed.

    `losses` says how many runs lost their process how often. `repeated` steps were done when their
    process died, before they could be kept.
    """

    kills: int
    runs: int
    steps: int = 0
    repeated: int = 0
    losses: Counter[int] = field(default_factory=Counter)
    features: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: "Killed") -> "Killed":
        return Killed(
            self.kills + other.kills,
            self.runs + other.runs,
            self.steps + other.steps,
            self.repeated + other.repeated,
            self.losses + other.losses,
            self.features + other.features,
        )


@dataclass(frozen=True)
class TakenOver:
    """Seconds from the kill until the other process had all runs under way, and all at their ends.

    What is between the two is the work that was left.
    """

    taken_up: float
    ended: float
    steps: int


async def new_key(process: Process) -> str:
    """An API key of a new person."""
    async with httpx2.AsyncClient(base_url=process.address, timeout=30, verify=PLAIN) as http:
        person = await identity.new_person(http)
        return (await identity.new_key(http, person, scopes=SCOPES))["key"]


async def undisturbed(client: Client, seeds: Sequence[int], outside: Outside) -> list[Calm]:
    """What random workflows come to when nobody kills anything."""

    async def begun(seed: int) -> tuple[str, Mapping[str, Any]]:
        made, definition = await client.make_random(f"calm-{seed}", seed, outside.address)
        return await client.start(made, "calm"), definition

    runs = await asyncio.gather(*(begun(seed) for seed in seeds))
    ended = await client.ended([run_id for run_id, _ in runs], 600)
    return [
        Calm(seed, definition, outcome(ended[run_id]), outside.steps_of(run_id))
        for seed, (run_id, definition) in zip(seeds, runs, strict=True)
    ]


class Disturbed:
    """The same workflows begun once more, while processes are killed.

    What the outside keeps waiting has each run under way when its process dies, at a place that is
    left to chance.
    """

    def __init__(self, client: Client, calm: Sequence[Calm], outside: Outside, seed: int) -> None:
        self.client = client
        self._calm = calm
        self._outside = outside
        self._chance = random.Random(seed)  # noqa: S311 - a seed
        self._after = {_slug(each): 0 for each in calm}
        self._kept: dict[str, int] = {}
        self._workflows: list[str] = []
        self.run_ids: list[str] = []

    async def prepare(self) -> None:
        made = [
            await self.client.make_random(_slug(each), each.seed, self._outside.address)
            for each in self._calm
        ]
        self._workflows = [workflow for workflow, _ in made]
        self.hold()

    async def begin(self, client: Client) -> None:
        starts = (client.start(each, "killed") for each in self._workflows)
        self.run_ids = await asyncio.gather(*starts)

    def hold(self) -> None:
        """Have each run get somewhat further, and no more."""
        for each in self._calm:
            before = self._after[_slug(each)]
            self._after[_slug(each)] = self._chance.randint(before, max(before, each.calls - 1))
        self._outside.hold(self._after)

    def after_a_while(self) -> float:
        return self._chance.uniform(0.3, 2.0)

    async def note_kept(self) -> None:
        """Remember what is kept by now: from here on it must not be done again."""
        for run_id in self.run_ids:
            for step in await self.client.steps(run_id):
                if step["retry_at"] is None and step["status"] != "started":
                    key = f"{run_id}:{step['path']}"
                    self._kept.setdefault(key, self._outside.calls[key])

    async def come_to(self, kills: int) -> Killed:
        """Have the runs end; raises AssertionError where one ends unlike the undisturbed."""
        self._outside.release()
        ended = await self.client.ended(self.run_ids, 600)
        wrong = {
            each.seed: (outcome(ended[run_id]), each.outcome)
            for run_id, each in zip(self.run_ids, self._calm, strict=True)
            if outcome(ended[run_id]) != each.outcome
        }
        assert not wrong, wrong
        again = [key for key, calls in self._kept.items() if self._outside.calls[key] != calls]
        assert not again, f"done again after they were kept: {again}"
        killed = Killed(kills, len(self.run_ids))
        for run_id, each in zip(self.run_ids, self._calm, strict=True):
            steps = await once(self.client, run_id)
            killed.steps += len(steps)
            killed.features += carried_out(each.definition, steps)
            killed.losses[(await self.client.log(run_id)).count('"process_lost"')] += 1
        killed.repeated = sum(count - 1 for count in self._outside.ended.values() if count > 1)
        return killed


async def killed_at_random(
    client: Client, process: Process, calm: Sequence[Calm], outside: Outside, kills: int, seed: int
) -> Killed:
    """Kill the only process once while the runs begin, and then so many times."""
    disturbed = Disturbed(client, calm, outside, seed)
    await disturbed.prepare()
    async with deciding(client):
        beginning = asyncio.create_task(disturbed.begin(client))
        for number in range(kills + 1):
            await asyncio.sleep(disturbed.after_a_while())
            process.kill()
            disturbed.hold()
            await asyncio.to_thread(process.revive)
            if number == 0:
                await beginning
            await disturbed.note_kept()
        return await disturbed.come_to(kills + 1)


async def one_of_two_killed(
    dying: Client,
    living: Client,
    process: Process,
    outside: Outside,
    count: int,
    others: int = 0,
) -> TakenOver:
    """Kill one of two workers while so many chains are under way there, beside other runs."""
    outside.hold({CHAIN: STEPS_BEFORE})
    workflow = await dying.make(CHAIN, long_chain(f"{outside.address}/{CHAIN}", CHAIN_STEPS))
    run_ids = [await dying.start(workflow, f"run-{number}") for number in range(count)]
    await asyncio.to_thread(outside.wait_for_held, count + others)
    killed_at = time.time()
    process.kill()
    outside.release()
    # To ask takes time from what is asked for.
    await asyncio.sleep(LEASE_SECONDS)
    ended = await living.ended(run_ids, 120, every=LEASE_SECONDS)
    assert {run["output"] for run in ended.values()} == {CHAIN_STEPS - 1}
    steps = {run_id: await once(living, run_id) for run_id in run_ids}
    begun = [_first_after(killed_at, of_run) for of_run in steps.values()]
    last = max(_moment(run["ended_at"]) for run in ended.values())
    count = sum(map(len, steps.values()))
    return TakenOver(max(begun) - killed_at, last - killed_at, count)


def _first_after(moment: float, steps: Sequence[Mapping[str, Any]]) -> float:
    """When the first step was begun that ended later than that."""
    return min(_moment(each["started_at"]) for each in steps if _moment(each["ended_at"]) > moment)


def _moment(written: str) -> float:
    return datetime.fromisoformat(written).timestamp()


async def once(client: Client, run_id: str) -> list[dict[str, Any]]:
    """A run's steps; raises AssertionError where one was kept twice."""
    steps = await client.steps(run_id)
    places = Counter((each["path"], each["attempt"]) for each in steps)
    assert max(places.values(), default=1) == 1, (run_id, places)
    return steps


@asynccontextmanager
async def deciding(client: Client) -> AsyncIterator[None]:
    """Whatever waits for a person is decided meanwhile."""
    task = asyncio.create_task(client.decide_on())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


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


def _slug(calm: Calm) -> str:
    return f"killed-{calm.seed}"
