"""Agents against plain calls: CPU of a long stream, of a short run, and many at once on one core.

Measured in one run, with the demo provider in a process of its own:

- a stream of 500 chunks, read with httpx2 and orjson straight from the provider, and as an agent's
  run over server-sent events (the CPU of the service's process, stores left out);
- a request of one word, plain and as an agent's whole run, by turns, so that what the machine does
  meanwhile befalls both: one after the other, where a process sleeps and wakes at each answer that
  it waits for, and eight at once, where it does not;
- 40 streams at once, 50 tokens a second each, straight from the provider, and then as agents' runs,
  the service on one core: how far behind its pace the last token of each came. The provider itself
  falls behind a little, so what the agents add is the difference.

Nothing is counted before the service has done what it does after a start, and has been warmed up.

A run that does not arrive whole and without a gap fails the benchmark.

    .venv/bin/python scripts/bench/agents.py [--quick]
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import httpx2
import orjson
from processes import Started, cores, interpreter, pin, start_demo, start_service
from rich.console import Console
from rich.table import Table

CHUNKS = 500
AGENTS = 40
CROWDS = (1, 8)
BLOCKS = 8
PACE_MS = 20
# The service is idle where it uses less than this share of a second, and it has so long to be.
IDLE_SHARE = 0.05
IDLE_WITHIN_SECONDS = 20
WARM_SECONDS = 3.0


@dataclass(frozen=True)
class Taken:
    """One run: seconds from its first token to its last, and to its end; whether all came in order.

    The end comes once the run is settled and its log is kept.
    """

    seconds: float
    ended: float
    whole: bool


@dataclass(frozen=True)
class Pair:
    """CPU in milliseconds of a plain request and of an agent's run, and how often that is it.

    Each is the median of some blocks.
    """

    raw: float
    run: float
    ratio: float


@dataclass(frozen=True)
class Figures:
    """CPU in milliseconds each; those behind are 95th percentiles of the lag.

    `runs` are by how many of them were under way at once.
    """

    raw_stream: float
    run_stream: float
    runs: dict[int, Pair]
    raw_behind_ms: float
    behind_ms: float
    ended_behind_ms: float
    lost: int


async def raw_stream(
    http: httpx2.AsyncClient, url: str, tokens: int = CHUNKS, delay_ms: int = 0
) -> float:
    """What a program does that calls a provider by hand; seconds from the first token on."""
    body = {"model": f"chat?tokens={tokens}&delay_ms={delay_ms}", "stream": True}
    body["messages"] = [{"role": "user", "content": "Hello"}]
    rest, words, first = b"", 0, 0.0
    async with http.stream(
        "POST", f"{url}/v1/chat/completions", content=orjson.dumps(body),
        headers={"content-type": "application/json"},
    ) as answer:  # fmt: skip
        async for chunk in answer.aiter_raw():
            *blocks, rest = (rest + chunk).split(b"\n\n")
            for block in blocks:
                data = block.removeprefix(b"data: ")
                if data and data != b"[DONE]":
                    choices = orjson.loads(data)["choices"]
                    words += any(each["delta"].get("content") for each in choices)
                    first = first or (time.perf_counter() if words else 0.0)
    if words != tokens:
        raise SystemExit(f"{words} of {tokens} chunks came from the provider")
    return time.perf_counter() - first


async def raw_request(http: httpx2.AsyncClient, url: str) -> None:
    body = {"model": "chat?tokens=1&delay_ms=0", "messages": [{"role": "user", "content": "Hi"}]}
    answer = await http.post(
        f"{url}/v1/chat/completions",
        content=orjson.dumps(body),
        headers={"content-type": "application/json"},
    )
    orjson.loads(answer.content)["choices"][0]["message"]


async def stream_run(http: aiohttp.ClientSession, url: str, agent: str, tokens: int) -> Taken:
    """An agent's run over server-sent events."""
    rest, seq, first, newest, whole = b"", 0, 0.0, 0.0, True
    said: list[str] = []
    last: dict[str, Any] = {}
    body = {"input": "Hello", "stream": True}
    async with http.post(f"{url}/v1/agents/{agent}/runs", json=body) as answer:
        async for chunk in answer.content.iter_any():
            *blocks, rest = (rest + chunk).split(b"\n\n")
            for block in blocks:
                _, found, data = block.partition(b"data: ")
                if not found:
                    continue
                last, seq = orjson.loads(data), seq + 1
                whole = whole and last["seq"] == seq
                if last["type"] == "text.delta":
                    newest = time.perf_counter()
                    first = first or newest
                    said.append(last["text"])
    words = len("".join(said).split())
    whole = whole and last.get("type") == "run.completed" and words == tokens
    return Taken(newest - first, time.perf_counter() - first, whole)


async def whole_run(http: aiohttp.ClientSession, url: str, agent: str) -> Taken:
    async with http.post(f"{url}/v1/agents/{agent}/runs", json={"input": "Hi"}) as answer:
        told = await answer.json()
    return Taken(0.0, 0.0, told.get("status") == "completed")


async def cpu_of(
    act: Callable[[], Awaitable[Any]], count: int, cpu_seconds: Callable[[], float]
) -> float:
    """Milliseconds of CPU that one act costs; those of the first seconds are not counted."""
    began = time.monotonic()
    while time.monotonic() < began + WARM_SECONDS:
        await act()
    return await block(act, count, 1, cpu_seconds)


async def block(
    act: Callable[[], Awaitable[Any]], count: int, at_once: int, cpu_seconds: Callable[[], float]
) -> float:
    """Milliseconds of CPU that one of so many acts costs, so many of them at once."""

    async def some() -> None:
        for _ in range(count // at_once):
            await act()

    before = cpu_seconds()
    await asyncio.gather(*(some() for _ in range(at_once)))
    return (cpu_seconds() - before) * 1000 / (count // at_once * at_once)


async def by_turns(
    raw: Callable[[], Awaitable[Any]],
    run: Callable[[], Awaitable[Any]],
    service: Started,
    count: int,
    at_once: int,
) -> Pair:
    """A block of plain requests, one of runs, and so on; the first of each is not counted."""
    pairs = [
        (
            await block(raw, count, at_once, time.process_time),
            await block(run, count, at_once, service.cpu_seconds),
        )
        for _ in range(BLOCKS + 1)
    ][1:]
    raws, runs = zip(*pairs, strict=True)
    ratio = statistics.median(run / raw for raw, run in pairs)
    return Pair(statistics.median(raws), statistics.median(runs), ratio)


async def idle(service: Started) -> None:
    """Wait until the service has nothing to do but what it does again and again."""
    for _ in range(IDLE_WITHIN_SECONDS):
        before = service.cpu_seconds()
        await asyncio.sleep(1)
        if service.cpu_seconds() - before < IDLE_SHARE:
            return
    raise SystemExit("The service does not come to rest.")


def late(taken: Iterable[float], pace: float) -> float:
    """The 95th percentile of the milliseconds by which streams took longer than `pace` seconds."""
    return statistics.quantiles([(each - pace) * 1000 for each in taken], n=20)[-1]


async def made(http: aiohttp.ClientSession, url: str, name: str, model: str) -> str:
    definition = {"model": f"bench/{model}", "instructions": "Answer."}
    body = {"name": name, "slug": name, "definition": definition}
    async with http.post(f"{url}/v1/agents", json=body) as answer:
        told = await answer.json()
        if answer.status != 201:
            raise SystemExit(f"the agent could not be made: {told}")
        return told["slug"]


async def measure(demo: Started, service: Started, key: str, *, quick: bool) -> Figures:
    count = 10 if quick else 40
    async with httpx2.AsyncClient(timeout=60) as plain:
        raw = await cpu_of(lambda: raw_stream(plain, demo.url), count, time.process_time)
    tokens = 250 if quick else 750
    limits = httpx2.Limits(max_connections=AGENTS)
    async with httpx2.AsyncClient(timeout=60, limits=limits) as plain:
        plainly = await asyncio.gather(
            *(raw_stream(plain, demo.url, tokens, PACE_MS) for _ in range(AGENTS))
        )
    headers = {"Authorization": f"Bearer {key}"}
    connector, timeout = aiohttp.TCPConnector(limit=0), aiohttp.ClientTimeout(total=600)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, headers=headers) as http:
        integration = {"kind": "openai_compatible", "slug": "bench", "base_url": f"{demo.url}/v1"}
        async with http.post(f"{service.url}/v1/integrations", json=integration) as answer:
            answer.raise_for_status()
        long = await made(http, service.url, "long", f"chat?tokens={CHUNKS}&delay_ms=0")
        short = await made(http, service.url, "short", "chat?tokens=1&delay_ms=0")
        paced = await made(http, service.url, "paced", f"chat?tokens={tokens}&delay_ms={PACE_MS}")
        runs: list[Taken] = []

        async def one(work: Awaitable[Taken]) -> None:
            runs.append(await work)

        await idle(service)
        stream = await cpu_of(
            lambda: one(stream_run(http, service.url, long, CHUNKS)), count, service.cpu_seconds
        )
        async with httpx2.AsyncClient(timeout=60) as plain:
            pairs = {
                crowd: await by_turns(
                    lambda: raw_request(plain, demo.url),
                    lambda: one(whole_run(http, service.url, short)),
                    service,
                    4 * count,
                    crowd,
                )
                for crowd in CROWDS
            }
        together = await asyncio.gather(
            *(stream_run(http, service.url, paced, tokens) for _ in range(AGENTS))
        )
    pace = (tokens - 1) * PACE_MS / 1000
    behind = late((each.seconds for each in together), pace)
    lost = sum(not each.whole for each in [*runs, *together])
    ended = late((each.ended for each in together), pace)
    return Figures(raw, stream, pairs, late(plainly, pace), behind, ended, lost)


def report(found: Figures) -> dict[str, float]:
    chunks = found.run_stream - found.runs[1].run
    figures = {
        "lost_runs": found.lost,
        "raw_stream_cpu_ms": round(found.raw_stream, 2),
        "agent_stream_cpu_ms": round(found.run_stream, 2),
        "agent_stream_over_raw": round(found.run_stream / found.raw_stream, 2),
        "agent_chunks_over_raw": round(chunks / found.raw_stream, 2),
        "raw_behind_p95_ms": round(found.raw_behind_ms, 1),
        "behind_p95_ms": round(found.behind_ms, 1),
        "behind_raw_p95_ms": round(found.behind_ms - found.raw_behind_ms, 1),
        "ended_behind_p95_ms": round(found.ended_behind_ms, 1),
    }
    for crowd, pair in found.runs.items():
        figures |= {
            f"raw_request_cpu_ms_{crowd}": round(pair.raw, 3),
            f"agent_run_cpu_ms_{crowd}": round(pair.run, 2),
            f"agent_run_over_raw_{crowd}": round(pair.ratio, 2),
        }
    title = "Agents against plain calls, CPU in ms"
    table = Table("", "plain", "agent", "ratio", title=title, caption=interpreter())
    ratio = f"{figures['agent_stream_over_raw']:.2f}"
    table.add_row(f"{CHUNKS} chunks", f"{found.raw_stream:.1f}", f"{found.run_stream:.1f}", ratio)
    table.add_row(
        f"{CHUNKS} chunks, less a run",
        f"{found.raw_stream:.1f}",
        f"{chunks:.1f}",
        f"{figures['agent_chunks_over_raw']:.2f}",
    )
    for crowd, pair in found.runs.items():
        name = f"one word, {crowd} at once" if crowd > 1 else "one word"
        table.add_row(name, f"{pair.raw:.2f}", f"{pair.run:.2f}", f"{pair.ratio:.2f}")
    table.add_row(
        f"{AGENTS} at {1000 // PACE_MS} tokens/s",
        f"{found.raw_behind_ms:.0f} behind",
        f"{found.behind_ms:.0f} behind",
        f"+{figures['behind_raw_p95_ms']:.0f}",
    )
    Console().print(table)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="ends within a minute")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with start_demo(folder) as demo, start_service(folder) as (service, key):
            pin(service.pid, *cores())
            found = asyncio.run(measure(demo, service, key, quick=given.quick))
    figures = report(found)
    print(json.dumps({"figures": figures}))
    sys.exit(1 if figures["lost_runs"] else 0)


if __name__ == "__main__":
    main()
