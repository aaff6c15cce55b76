"""300 chat streams at once, 20 tokens a second each, through one service process.

Measured in one run: each stream's time to its first token and the CPU of a stream, straight from
the provider and through `POST /v1/chat`. The provider is the demo provider in a process of its own,
the reader (aiohttp and orjson) is the same for both. A stream that does not arrive whole and
without a gap fails the benchmark.

    .venv/bin/python scripts/bench/streams.py [--quick] [--streams N] [--tokens N]
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import orjson
from processes import Started, start_demo, start_service
from rich.console import Console
from rich.table import Table

PACE_MS = 50
RAMP_SECONDS = 5.0


@dataclass(frozen=True)
class Taken:
    """One stream: milliseconds to the first token, and whether all of it came, in order."""

    first_token_ms: float
    whole: bool


@dataclass(frozen=True)
class Leg:
    """All streams by one way; `cpu_ms` is what a stream cost the reader or the service."""

    streams: list[Taken]
    cpu_ms: float

    @property
    def first_token_ms(self) -> float:
        return statistics.median(stream.first_token_ms for stream in self.streams)

    @property
    def lost(self) -> int:
        return sum(not stream.whole for stream in self.streams)


async def events(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """The `data:` of each server-sent event."""
    rest = b""
    async for chunk in answer.content.iter_any():
        *blocks, rest = (rest + chunk).split(b"\n\n")
        for block in blocks:
            _, found, data = block.partition(b"data: ")
            if found:
                yield data


async def from_provider(http: aiohttp.ClientSession, url: str, tokens: int) -> Taken:
    body = {"model": f"chat?tokens={tokens}&delay_ms={PACE_MS}", "stream": True}
    body["messages"] = [{"role": "user", "content": "Hello"}]
    began, first, words, done = time.perf_counter(), 0.0, 0, False
    async with http.post(f"{url}/v1/chat/completions", json=body) as answer:
        async for data in events(answer):
            if data == b"[DONE]":
                done = True
            elif any(c["delta"].get("content") for c in orjson.loads(data)["choices"]):
                first = first or time.perf_counter()
                words += 1
    return Taken((first - began) * 1000, done and words == tokens)


async def through_service(http: aiohttp.ClientSession, url: str, tokens: int) -> Taken:
    body = {"model": f"bench/chat?tokens={tokens}&delay_ms={PACE_MS}", "stream": True}
    body["messages"] = [{"role": "user", "content": "Hello"}]
    began, first, seq, gapless, last, text = time.perf_counter(), 0.0, 0, True, {}, []
    async with http.post(f"{url}/v1/chat", json=body) as answer:
        async for data in events(answer):
            last, seq = orjson.loads(data), seq + 1
            gapless = gapless and last["seq"] == seq
            if last["type"] == "text.delta":
                first = first or time.perf_counter()
                text.append(last["text"])
    ended = last.get("type") == "run.completed"
    return Taken((first - began) * 1000, gapless and ended and len("".join(text).split()) == tokens)


async def run_leg(
    read: Callable[[], Awaitable[Taken]], count: int, cpu_seconds: Callable[[], float]
) -> Leg:
    """Start the streams evenly over the ramp, and wait for all of them."""

    async def one(number: int) -> Taken:
        await asyncio.sleep(RAMP_SECONDS * number / count)
        return await read()

    before = cpu_seconds()
    streams = await asyncio.gather(*(one(number) for number in range(count)))
    return Leg(streams, (cpu_seconds() - before) * 1000 / count)


async def measure(
    demo: Started, service: Started, key: str, count: int, tokens: int
) -> tuple[Leg, Leg]:
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=600)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as http:
        direct = await run_leg(
            lambda: from_provider(http, demo.url, tokens), count, time.process_time
        )
    headers = {"Authorization": f"Bearer {key}"}
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, headers=headers) as http:
        integration = {
            "kind": "openai_compatible",
            "slug": "bench",
            "base_url": f"{demo.url}/v1",
        }
        async with http.post(f"{service.url}/v1/integrations", json=integration) as answer:
            answer.raise_for_status()
        await through_service(http, service.url, 5)
        served = await run_leg(
            lambda: through_service(http, service.url, tokens), count, service.cpu_seconds
        )
    return direct, served


def report(direct: Leg, served: Leg, count: int, tokens: int) -> dict[str, float]:
    figures = {
        "streams": count,
        "tokens_a_stream": tokens,
        "lost_streams": served.lost,
        "provider_first_token_ms": round(direct.first_token_ms, 2),
        "added_first_token_ms": round(served.first_token_ms - direct.first_token_ms, 2),
        "reader_cpu_ms_a_stream": round(direct.cpu_ms, 2),
        "service_cpu_ms_a_stream": round(served.cpu_ms, 2),
        "service_cpu_over_plain_reader": round(served.cpu_ms / direct.cpu_ms, 2),
    }
    table = Table("", "provider alone", "through Luminous", title=f"{count} streams at once")
    table.add_row("streams lost", str(direct.lost), str(served.lost))
    table.add_row(
        "first token, median ms", f"{direct.first_token_ms:.1f}", f"{served.first_token_ms:.1f}"
    )
    table.add_row(
        "CPU a stream, ms", f"{direct.cpu_ms:.1f} (reader)", f"{served.cpu_ms:.1f} (service)"
    )
    Console().print(table)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="ends within a minute")
    parser.add_argument("--streams", type=int, default=300)
    parser.add_argument("--tokens", type=int, default=0, help="default: 400, or 160 with --quick")
    given = parser.parse_args()
    tokens = given.tokens or (160 if given.quick else 400)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with start_demo(folder) as demo, start_service(folder) as (service, key):
            legs = asyncio.run(measure(demo, service, key, given.streams, tokens))
    figures = report(*legs, given.streams, tokens)
    print(json.dumps({"figures": figures}))
    sys.exit(1 if figures["lost_streams"] else 0)


if __name__ == "__main__":
    main()
