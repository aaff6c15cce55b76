"""What the benchmark of workflows measures of a program that runs chains of steps."""

import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import asyncpg
import orjson
from workflow_engines import Program
from workflow_office import APPROVAL, LONG, PAUSE_SECONDS, SPEECH, STEPS, Office

# What came before the reader was there, or while it warmed up.
UNCOUNTED = 20
DECIDING = 8


@dataclass(frozen=True)
class Load:
    """How many runs at once, how many one after the other in each, and how often it is measured."""

    at_once: int
    rounds: int
    times: int
    alone: int


@dataclass(frozen=True)
class Chain:
    """Milliseconds of CPU a step: the program's own, and those of what it works on."""

    steps_per_second: float
    cpu_ms: float
    servers_cpu_ms: float
    latency_ms: float

    @property
    def whole_cpu_ms(self) -> float:
        return self.cpu_ms + self.servers_cpu_ms


def chain_of(program: Program, load: Load) -> Chain:
    """Medians; what is told of first is not counted."""
    program.ask("together", at_once=load.at_once, rounds=1, steps=STEPS)
    program.ask("alone", runs=2, steps=STEPS)
    count = load.at_once * load.rounds * STEPS
    found = [_together(program, load, STEPS) for _ in range(load.times)]
    alone = program.ask("alone", runs=load.alone, steps=STEPS)["ms"]
    return Chain(
        statistics.median(count / each[0] for each in found),
        statistics.median(each[1] * 1000 / count for each in found),
        statistics.median(each[2] * 1000 / count for each in found),
        statistics.median(alone),
    )


def nodes_cpu_ms(program: Program, load: Load) -> dict[str, float]:
    """CPU of one more node in a run, with that of the stores, by the kind of the chain.

    Of the longer of two chains and not of the shorter one: what a run costs by itself cancels out.
    The kinds take turns, so that whatever else the machine does meets them alike; medians.
    """
    found: dict[str, list[float]] = {kind: [] for kind in LONG}
    for turn in range(-1, load.times):  # the first is not counted
        for kind, many in LONG.items():
            program.ask("choose", workflow=f"{kind}-{{steps}}")
            short, long = (sum(_together(program, load, steps)[1:]) for steps in (STEPS, many))
            if turn >= 0:
                runs = load.at_once * load.rounds
                found[kind].append((long - short) * 1000 / (runs * (many - STEPS)))
    return {kind: statistics.median(each) for kind, each in found.items()}


def _together(program: Program, load: Load, steps: int) -> tuple[float, float, float]:
    """Seconds, of CPU here, and of CPU in what it works on."""
    own, servers = program.cpu_seconds(), program.servers_cpu_seconds()
    told = program.ask("together", at_once=load.at_once, rounds=load.rounds, steps=steps)
    return (
        told["seconds"],
        program.cpu_seconds() - own,
        program.servers_cpu_seconds() - servers,
    )


@dataclass(frozen=True)
class Pair:
    """Steps a second of one worker and of two, and how many cores the two kept busy."""

    one: float
    two: float
    cores: float


def pair_of(workers: Sequence[Program], workflow: str, load: Load) -> Pair:
    """Each worker has the same load, alone and beside the other, in turns."""
    for worker in workers:
        worker.ask("choose", workflow=workflow)
        worker.ask("together", at_once=load.at_once, rounds=1, steps=STEPS)
    count = load.at_once * load.rounds * STEPS
    one, two, cores = [], [], []
    for _ in range(load.times):
        one.append(count / _at_once(workers[:1], load)[0])
        seconds, cpu = _at_once(workers, load)
        two.append(len(workers) * count / seconds)
        cores.append(cpu / seconds)
    return Pair(statistics.median(one), statistics.median(two), statistics.median(cores))


def _at_once(workers: Sequence[Program], load: Load) -> tuple[float, float]:
    """Seconds until all have done theirs, and of CPU."""

    def cpu() -> float:
        own = sum(each.cpu_seconds() for each in workers)
        return own + workers[0].servers_cpu_seconds()

    before, began = cpu(), time.perf_counter()
    for worker in workers:
        worker.send("together", at_once=load.at_once, rounds=load.rounds, steps=STEPS)
    for worker in workers:
        worker.receive()
    return time.perf_counter() - began, cpu() - before


@dataclass(frozen=True)
class Lags:
    """Milliseconds from where something is said to who listens: medians, and 99th percentiles."""

    events: tuple[float, float]
    notices: tuple[float, float]


async def lags_of(program: Program, office: Office, words: int, turns: int) -> Lags:
    """Words of a step to a reader of server-sent events, and commits with NOTIFY, in turns."""
    events: list[float] = []
    notices: list[float] = []
    async with office.caller() as http:
        for _ in range(turns):
            events += await _heard(http, words)
            notices += await _noticed(program, office.database_url, words)
    return Lags(_cut(events), _cut(notices))


async def _heard(http: aiohttp.ClientSession, words: int) -> list[float]:
    body = {"inputs": {"words": words}, "stream": True}
    lags: list[float] = []
    rest = b""
    async with http.post(f"/v1/workflows/{SPEECH}/runs", json=body) as answer:
        answer.raise_for_status()
        async for chunk in answer.content.iter_any():
            now = time.monotonic_ns()
            *blocks, rest = (rest + chunk).split(b"\n\n")
            for block in blocks:
                _, found, data = block.partition(b"data: ")
                if found and (event := orjson.loads(data))["type"] == "text.delta":
                    lags += [(now - int(at)) / 1e6 for at in event["text"].split()]
    if len(lags) != words:
        raise SystemExit(f"{len(lags)} of {words} words were heard")
    return lags[UNCOUNTED:]


async def _noticed(program: Program, url: str, times: int) -> list[float]:
    lags: list[float] = []

    def hear(_connection: Any, _pid: int, _channel: str, at: str) -> None:
        lags.append((time.monotonic_ns() - int(at)) / 1e6)

    connection = await asyncpg.connect(url)
    try:
        await connection.add_listener("told", hear)
        await asyncio.to_thread(program.ask, "notify", url=url, times=times, pause=PAUSE_SECONDS)
        await asyncio.sleep(PAUSE_SECONDS)
    finally:
        await connection.close()
    return lags[UNCOUNTED:]


def _cut(lags: Sequence[float]) -> tuple[float, float]:
    return statistics.median(lags), statistics.quantiles(lags, n=100)[98]


@dataclass(frozen=True)
class Waiting:
    """Of many runs that wait for a person; memory and threads before them, and with them."""

    begun_seconds: float
    resident_mb: tuple[float, float]
    threads: tuple[int, int]
    start_seconds: tuple[float, float]
    decided_seconds: float


def waiting_of(office: Office, count: int) -> Waiting:
    """A service that begins them, and after its restart brings them to their ends."""
    began = time.perf_counter()
    with office.serve() as program:
        plain = time.perf_counter() - began
        program.ask("choose", workflow=APPROVAL)
        program.ask("begin", runs=50, at_once=50)
        office.expect("paused", 50)
        resident, threads = program.resident_mb(), program.threads()
        begun = time.perf_counter()
        program.ask("begin", runs=count - 50, at_once=50)
        office.expect("paused", count)
        seconds = time.perf_counter() - begun
        memory = resident, program.resident_mb()
        crowd = threads, program.threads()
    began = time.perf_counter()
    with office.serve() as program:
        restart = time.perf_counter() - began
        decided = asyncio.run(_decide_all(office, count))
    return Waiting(seconds, memory, crowd, (plain, restart), decided)


async def _decide_all(office: Office, count: int) -> float:
    """Seconds until all have ended."""
    async with office.caller() as http:
        waiting: list[str] = []
        cursor = ""
        while len(waiting) < count:
            async with http.get(f"/v1/tasks?status=open&limit=200{cursor}") as answer:
                page = await answer.json()
            waiting += [each["id"] for each in page["data"]]
            cursor = f"&cursor={page['next_cursor']}"
            if not page["has_more"]:
                break
        if len(waiting) != count:
            raise SystemExit(f"{len(waiting)} of {count} runs wait")
        left = iter(waiting)

        async def decide() -> None:
            for task_id in left:
                body = {"decision": "approve"}
                async with http.post(f"/v1/tasks/{task_id}/decide", json=body) as answer:
                    answer.raise_for_status()

        ended = office.runs("completed")
        began = time.perf_counter()
        await asyncio.gather(*(decide() for _ in range(DECIDING)))
        await asyncio.to_thread(office.expect, "completed", ended + count)
        return time.perf_counter() - began
