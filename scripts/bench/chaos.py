"""A minute of chaos: a hundred clients, three providers that fail at random, books that balance.

The service runs on engines of its own; the providers (`tests/inference/chaos`) drop connections,
answer 429, 500 and garbage, are slow, or fall silent, by a script that a seed decides. Every client
checks that it has a whole answer or one typed error; afterwards the budget's counter, the ledger's
rows and the providers' own counts must agree to the nano-dollar, and what was seen of the circuit
breakers must be steps of their state machine. Then clients leave in the middle of streams: how soon
the provider sees it is told, and the server's memory after 200 and after 2,000 of them.

    .venv/bin/python scripts/bench/chaos.py [--seconds 60] [--clients 100] [--seed 1]

Anything that does not hold ends it with an error. The last line is one JSON document.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from processes import ROOT, Started, start_service

sys.path.insert(0, str(ROOT))

import httpx2
from rich.console import Console

from app.cli.embedded import running_addresses
from app.core.db import Database
from app.core.kernel import connect_valkey
from app.inference.gate.breakers import standing_of
from app.inference.gate.script import gate_script
from tests.inference.chaos.answers import expect
from tests.inference.chaos.books import Books, assert_balanced, assert_calls_add_up, cost_of
from tests.inference.chaos.leaving import Left, leave_early
from tests.inference.chaos.load import load
from tests.inference.chaos.providers import VENDORS, Script, Scripted
from tests.inference.chaos.site import Site, open_site
from tests.inference.chaos.tasks import Task
from tests.inference.chaos.watch import Standing, assert_breakers_kept_their_word, watching

AT_ONCE = 50
LEFT_FIRST, LEFT_IN_ALL = 200, 2000
DARK_SECONDS = 4.0
BREAKERS_FORGET_SECONDS = 12.0
TIMEOUTS = {"connect": 3, "first_token": 2, "between_tokens": 1.5}


@dataclass(frozen=True)
class Scene:
    """The service in front of the providers, and a way into its stores."""

    service: Started
    site: Site
    books: Books
    providers: dict[str, Scripted]


@asynccontextmanager
async def open_scene(
    service: Started, key: str, folder: Path, seed: int
) -> AsyncIterator[tuple[Scene, Standing]]:
    """Give the scene, and how its breakers are asked for."""
    addresses = running_addresses(folder / "data")
    async with AsyncExitStack() as stack:
        providers = {
            kind: await stack.enter_async_context(made(Script(seed=seed)))
            for kind, made in VENDORS.items()
        }
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx2.AsyncClient(base_url=service.url, timeout=30) as http:
            site = await open_site(http, headers, providers, timeouts=TIMEOUTS)
        valkey = await stack.enter_async_context(connect_valkey(addresses["redis_url"]))
        database = Database(addresses["database_url"], pool_size=3)
        stack.push_async_callback(database.close)
        standing = partial(standing_of, gate_script(valkey))
        yield Scene(service, site, Books(database, valkey, site), providers), standing


async def fail_at_random(
    scene: Scene, standing: Standing, given: argparse.Namespace
) -> dict[str, object]:
    """The load, and everything that must hold after it."""
    for number, provider in enumerate(scene.providers.values(), 1):
        begin = number * given.seconds / 5
        provider.play = Script(given.seed, dark=((begin, begin + DARK_SECONDS),))
        provider.begin()
    async with watching(standing, scene.site, scene.providers) as watch:
        results = await load(
            [scene.service.url], scene.site.key, given.clients, given.seconds, seed=given.seed
        )
    for broken in results.broken[:5]:
        print(broken, file=sys.stderr)
    expect(not results.broken, f"{len(results.broken)} clients had neither answer nor error")
    rows = await assert_balanced(scene.books)
    assert_calls_add_up(rows, results.answers, scene.providers)
    assert_breakers_kept_their_word(watch, scene.providers)
    steps = {kind: Counter(watch.states(kind)) for kind in scene.providers}
    expect(any(step["open"] for step in steps.values()), f"no breaker opened: {steps}")
    return {
        "told": results.summary(),
        "calls": dict(Counter(row.status for row in rows)),
        "usd": sum(cost_of(row) for row in rows) / 10**9,
        "breakers": {kind: dict(step) for kind, step in steps.items()},
    }


async def leave(scene: Scene, first: int, number: int) -> list[float]:
    """How many milliseconds after each client hung up its provider saw it."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def client(number: int) -> Left:
        async with turns:
            task = Task(f"left{number}", 200)
            return await leave_early(scene.service.url, scene.site.key, task, 1 + number % 5)

    left = await asyncio.gather(*map(client, range(first, first + number)))
    seen = {
        each.asked.task: each for provider in scene.providers.values() for each in provider.served
    }
    async with asyncio.timeout(10):
        while any(seen[each.task].gone_at is None for each in left):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return [((seen[each.task].gone_at or 0) - each.at) * 1000 for each in left]


async def leave_early_often(scene: Scene) -> dict[str, object]:
    for provider in scene.providers.values():
        provider.play = Script(weights={"endless": 1.0})
    before = len(await scene.books.rows())
    took = await leave(scene, 0, LEFT_FIRST)
    await scene.books.calm()
    memory = scene.service.resident_mb()
    took += await leave(scene, LEFT_FIRST, LEFT_IN_ALL - LEFT_FIRST)
    rows = await assert_balanced(scene.books)
    ended = Counter(row.status for row in rows)
    expect(len(rows) == before + LEFT_IN_ALL, f"{before} rows, and then {len(rows)}")
    cuts = statistics.quantiles(took, n=100)
    return {
        "cancelled": ended["cancelled"],
        "closed_after_ms": {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98], "max": max(took)},
        "resident_mb": [memory, scene.service.resident_mb()],
    }


async def run(service: Started, key: str, folder: Path, given: argparse.Namespace) -> None:
    console = Console()
    async with open_scene(service, key, folder, given.seed) as (scene, standing):
        figures = {"chaos": await fail_at_random(scene, standing, given)}
        console.print(figures["chaos"])
        # What the breakers remember of it is no part of what comes next.
        await asyncio.sleep(BREAKERS_FORGET_SECONDS)
        figures["aborts"] = await leave_early_often(scene)
        console.print(figures["aborts"])
    print(json.dumps(figures))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="chaos-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with start_service(folder) as (service, key):
            asyncio.run(run(service, key, folder, given))


if __name__ == "__main__":
    main()
