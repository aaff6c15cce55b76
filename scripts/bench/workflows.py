"""Workflows against other durable engines: steps, nodes, events, workers, and runs that wait.

Measured in one run, on engines of its own with durable commits; every engine runs its program in a
process of its own (`chains/`), on uvloop, with its defaults:

- ten steps in a row that do nothing: many runs at once (steps a second, CPU of a step in the
  program and in what it works on) and one run alone (how long it takes). DBOS and LangGraph keep
  what they know on our Postgres, Temporal's dev server and Prefect's in SQLite. A rival is
  installed into `.tools/` once; one that cannot be is `null`. Temporal and Prefect have fewer runs
  at once;
- CPU of one more node in a run: a task, which is kept; a pure one, which is not, and does as little
  as the task; and a pure one that computes (CEL);
- what a step says until a reader of server-sent events has it, and one commit with NOTIFY until a
  listener has it;
- one worker and two: steps that do nothing, for which the cores decide, and steps that pass time;
- runs that wait for a person: memory, threads, a start with them and without, and their ends.

    .venv/bin/python scripts/bench/workflows.py [--quick]

With `--quick` rivals that are not installed, or take seconds for a run, are left out. The last line
is one JSON document.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from processes import ROOT, free_port

sys.path.insert(0, str(ROOT))

from rich.console import Console
from rich.table import Table
from workflow_engines import RIVALS, EngineFailed, Rival
from workflow_measures import (
    Chain,
    Lags,
    Load,
    Pair,
    Waiting,
    chain_of,
    lags_of,
    nodes_cpu_ms,
    pair_of,
    waiting_of,
)
from workflow_office import Office, make_workflows, open_office

OURS = "Luminous"


@dataclass(frozen=True)
class Size:
    """`slow` is the load of steps that pass time, and of engines that take seconds for a run."""

    chain: Load
    slow: Load
    nodes: Load
    words: int
    turns: int
    waiting: int


FULL = Size(Load(50, 2, 3, 20), Load(10, 2, 3, 5), Load(20, 3, 5, 0), 220, 2, 1000)
QUICK = Size(Load(40, 1, 1, 5), Load(5, 1, 1, 2), Load(20, 1, 3, 0), 40, 1, 50)


@dataclass(frozen=True)
class Found:
    """Everything that was measured; a rival that does not run here is None."""

    chains: dict[str, Chain | None]
    task_ms: float
    pure_ms: float
    computing_ms: float
    lags: Lags
    busy: Pair
    idle: Pair
    waiting: Waiting


def measure(office: Office, size: Size, *, quick: bool) -> Found:
    say("Luminous")
    with office.serve() as program:
        with office.client() as http:
            make_workflows(http)
        program.ask("choose", workflow="chain-{steps}")
        chains: dict[str, Chain | None] = {OURS: chain_of(program, size.chain)}
        nodes = nodes_cpu_ms(program, size.nodes)
        say("events")
        lags = asyncio.run(lags_of(program, office, size.words, size.turns))
        say("two workers")
        with office.serve(free_port()) as second:
            workers = program, second
            busy = pair_of(workers, "chain-{steps}", size.chain)
            idle = pair_of(workers, "slow-{steps}", size.slow)
    for rival in RIVALS:
        say(rival.name)
        chains[rival.name] = chain_of_rival(rival, office, size, quick=quick)
    say("runs that wait")
    waiting = waiting_of(office, size.waiting)
    return Found(chains, *nodes.values(), lags, busy, idle, waiting)


def say(what: str) -> None:
    print(f"Measuring {what} ...", flush=True)


def chain_of_rival(rival: Rival, office: Office, size: Size, *, quick: bool) -> Chain | None:
    """None where it cannot be had, fails, or would take too long."""
    if quick and not (rival.is_fast and rival.is_installed()):
        return None
    if failure := rival.install():
        print(f"{rival.name} cannot be installed: {failure}", flush=True)
        return None
    load = size.chain if rival.is_fast else replace(size.slow, times=1, rounds=1)
    database = office.database(rival.name.lower())
    try:
        with rival.open(rival.python, office.folder, database, office.postgres) as program:
            return chain_of(program, load)
    except (EngineFailed, SystemExit) as failed:
        print(f"{rival.name} failed: {failed}", flush=True)
        return None


def report(found: Found) -> dict[str, object]:
    """The figures, shown as tables."""
    console = Console()
    figures: dict[str, object] = {}
    ours = found.chains[OURS]
    table = Table(
        "", "steps/s", "CPU ms/step", "… in its stores", "one run, ms",
        title="Ten steps in a row that do nothing",
    )  # fmt: skip
    for name, chain in found.chains.items():
        figures |= _chain_figures(name.lower(), chain, ours)
        cells = ["-"] * 4 if chain is None else [
            f"{chain.steps_per_second:.0f}", f"{chain.cpu_ms:.2f}",
            f"{chain.servers_cpu_ms:.2f}", f"{chain.latency_ms:.0f}",
        ]  # fmt: skip
        table.add_row(name, *cells)
    console.print(table)
    rest = _rest(found)
    table = Table("", "", title="Luminous")
    for name, figure in rest.items():
        table.add_row(name.replace("_", " "), str(figure))
    console.print(table)
    return figures | rest


def _chain_figures(name: str, chain: Chain | None, ours: Chain) -> dict[str, object]:
    names = ("steps_per_second", "cpu_ms", "servers_cpu_ms", "latency_ms")
    if chain is None:
        return {name: None}
    told = {f"{name}_{each}": round(getattr(chain, each), 2) for each in names}
    if chain is ours:
        return told
    return {
        **told,
        f"steps_over_{name}": round(ours.steps_per_second / chain.steps_per_second, 2),
        f"cpu_over_{name}": round(ours.whole_cpu_ms / chain.whole_cpu_ms, 3),
        f"latency_over_{name}": round(ours.latency_ms / chain.latency_ms, 3),
    }


def _rest(found: Found) -> dict[str, object]:
    lags, waiting = found.lags, found.waiting
    return {
        "task_cpu_ms": round(found.task_ms, 3),
        "pure_cpu_ms": round(found.pure_ms, 4),
        "pure_over_task": round(found.pure_ms / found.task_ms, 3),
        "computing_cpu_ms": round(found.computing_ms, 4),
        "computing_over_task": round(found.computing_ms / found.task_ms, 3),
        "event_p50_ms": round(lags.events[0], 2),
        "event_p99_ms": round(lags.events[1], 2),
        "notify_p50_ms": round(lags.notices[0], 2),
        "notify_p99_ms": round(lags.notices[1], 2),
        "event_over_notify_p99": round(lags.events[1] / lags.notices[1], 2),
        "two_workers_busy_steps": round(found.busy.two / found.busy.one, 2),
        "two_workers_busy_cores": round(found.busy.cores, 2),
        "cores": len(os.sched_getaffinity(0)),
        "two_workers_idle_steps": round(found.idle.two / found.idle.one, 2),
        "two_workers_idle_cores": round(found.idle.cores, 2),
        "waiting_begun_seconds": round(waiting.begun_seconds, 1),
        "waiting_resident_mb": [round(each, 1) for each in waiting.resident_mb],
        "waiting_threads": list(waiting.threads),
        "start_seconds_without_and_with_waiting": [round(x, 2) for x in waiting.start_seconds],
        "waiting_decided_seconds": round(waiting.decided_seconds, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="ends within a minute")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="workflows-", ignore_cleanup_errors=True) as name,
        open_office(Path(name)) as office,
    ):
        found = measure(office, QUICK if given.quick else FULL, quick=given.quick)
    print(json.dumps({"figures": report(found)}))


if __name__ == "__main__":
    main()
