"""The gateway's figures, in one run: Luminous against LiteLLM, ferrogw, smg and no gateway at all.

The server under test has the first core to itself; the load, the fake provider and the engines
share the others. Luminous is measured on its full path: key, limits, budget reservation, route,
breaker, metering and cost are all on (`full_path.py`). LiteLLM has its production settings,
ferrogw and smg run as they come, with neither limits nor a ledger.

    .venv/bin/python scripts/bench/gateway.py [--quick] [--only FIGURE] [--without NAME]

Whole answers are asked for by `wrk` where it is installed (`apt-get install wrk`), else by
`load.py`; streams are read by `load.py`, and count only if they are whole. The others are installed
into `.tools/` once; where that is not possible it is said, and the other ratios are printed.
`--quick` ends within about a minute once they are there. The last line is one JSON document.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop
from full_path import luminous
from load import Measured, has_wrk, press, quit_streams, request_bytes, wrk
from processes import cores, interpreter, pin, start_upstream
from raw_reader import cpu_of_reading
from rich.console import Console
from rich.table import Table
from rivals import RIVALS, Gateway

FIGURES = ("requests", "streams", "cpu", "latency", "paced", "memory")
PACED_STREAMS = 60
CROWDS = (16, 64)
FEW = (1, 8)
# What is measured of others only where there is time: the aims ask nothing of it.
MORE = frozenset({"latency", "paced"})
DONE = b"data: [DONE]\n\n"
DIRECT = {
    "whole": "bench",
    "long": "bench?chunks=500",
    "paced": "bench?chunks=50&delay_ms=20",
}


@dataclass
class Taken:
    """What was measured of one gateway: numbers by figure, and what failed."""

    name: str
    numbers: dict[str, float] = field(default_factory=dict)
    failed: int = 0
    said: str = ""

    def count(self, measured: Measured) -> Measured:
        self.failed += measured.failed
        self.said = self.said or measured.said
        return measured


class Bench:
    """Measures one gateway after the other; `seconds` is how long each load lasts."""

    def __init__(self, seconds: float, figures: tuple[str, ...], *, quick: bool) -> None:
        self.seconds = seconds
        self.figures = figures
        self.quick = quick

    def take(self, gateway: Gateway) -> Taken:
        taken = Taken(gateway.name)
        if gateway.name == "Luminous":
            taken.numbers["idle_mb"] = gateway.server.resident_mb()
        for figure in FIGURES:
            if figure in self.figures and not (self.quick and gateway.is_rival and figure in MORE):
                getattr(self, figure)(gateway, taken)
        return taken

    def requests(self, gateway: Gateway, taken: Taken) -> None:
        if gateway.name == "direct" and self.quick:
            return
        for connections in CROWDS:
            measured = taken.count(self._whole(gateway, connections))
            taken.numbers[f"requests_{connections}"] = measured.rate

    def streams(self, gateway: Gateway, taken: Taken) -> None:
        measured = taken.count(self._streams(gateway, "whole", 16))
        taken.numbers["streams_16"] = measured.rate

    def latency(self, gateway: Gateway, taken: Taken) -> None:
        for connections in FEW:
            measured = taken.count(self._whole(gateway, connections))
            taken.numbers[f"latency_{connections}"] = measured.median_ms

    def cpu(self, gateway: Gateway, taken: Taken) -> None:
        """CPU of a stream of 500 chunks: in the server, or in a plain reader without one."""
        for variant in ("long", "translated"):
            if gateway.name == "Luminous":
                before = gateway.server.cpu_seconds()
                measured = taken.count(self._streams(gateway, variant, 4))
                spent = gateway.server.cpu_seconds() - before
                taken.numbers[f"cpu_{variant}"] = spent * 1000 / measured.begun
            elif gateway.name == "direct":
                path = "/v1/messages" if variant == "translated" else gateway.path
                url, count = gateway.server.url + path, 40 if self.quick else 200
                taken.numbers[f"cpu_{variant}"] = cpu_of_reading(url, DIRECT["long"], count)

    def paced(self, gateway: Gateway, taken: Taken) -> None:
        if "paced" not in gateway.models:
            return
        before = gateway.server.cpu_seconds()
        least = 2.2 if self.quick else 6.6
        measured = taken.count(self._streams(gateway, "paced", PACED_STREAMS, least=least))
        busy = gateway.server.cpu_seconds() - before
        taken.numbers["paced_streams"] = measured.rate
        taken.numbers["paced_core_percent"] = busy * 100 / measured.lasted

    def memory(self, gateway: Gateway, taken: Taken) -> None:
        """Resident memory after a few requests and after many, streams that were left included."""
        if gateway.name != "Luminous":
            return
        few, many, left = (500, 4000, 400) if self.quick else (2000, 200_000, 20_000)
        for name, requests, streams in (("few", few, few // 10), ("many", many, left)):
            taken.count(self._many(gateway, requests))
            asked = self._request(gateway, "slow", streaming=True)
            begun = uvloop.run(quit_streams(gateway.server.port, asked, streams))
            taken.failed += streams - begun
            taken.numbers[f"{name}_mb"] = gateway.server.resident_mb()

    def _document(self, gateway: Gateway, variant: str, *, streaming: bool) -> dict[str, Any]:
        document = {
            "model": gateway.models[variant],
            "messages": [{"role": "user", "content": "Hi"}],
            "max_tokens": 1000,
        }
        return document | ({"stream": True} if streaming else {})

    def _request(self, gateway: Gateway, variant: str, *, streaming: bool) -> bytes:
        document = self._document(gateway, variant, streaming=streaming)
        return request_bytes(gateway.server.port, gateway.path, gateway.key, document)

    def _whole(self, gateway: Gateway, connections: int) -> Measured:
        port = gateway.server.port
        if has_wrk():
            document = self._document(gateway, "whole", streaming=False)
            return wrk(
                port,
                gateway.path,
                gateway.key,
                document,
                connections=connections,
                seconds=self.seconds,
                warm=self.quick and connections != CROWDS[0],
            )
        request = self._request(gateway, "whole", streaming=False)
        pressed = press(port, request, connections=connections, seconds=self.seconds, ending=b"}")
        return uvloop.run(pressed)

    def _streams(
        self, gateway: Gateway, variant: str, connections: int, *, least: float = 0.0
    ) -> Measured:
        request = self._request(gateway, variant, streaming=True)
        return uvloop.run(
            press(
                gateway.server.port,
                request,
                connections=connections,
                seconds=max(self.seconds, least),
                ending=DONE,
            )
        )

    def _many(self, gateway: Gateway, count: int) -> Measured:
        request = self._request(gateway, "whole", streaming=False)
        pressed = press(
            gateway.server.port, request, connections=16, seconds=600, ending=b"}", most=count
        )
        return uvloop.run(pressed)


@contextmanager
def opened(bench: Bench, without: set[str], folder: Path, upstream: str) -> Iterator[Any]:
    """The gateways to measure, as functions that start them."""
    starts = [luminous]
    wanted = {"requests", "streams", "paced"} & set(bench.figures)
    for rival in RIVALS if wanted else ():
        if rival.name.lower() in without:
            continue
        if trouble := rival.install():
            print(f"{rival.name} could not be installed, so it is left out: {trouble}")
            continue
        starts.append(rival.start)
    yield [lambda start=start: start(folder, upstream) for start in starts]


def run(bench: Bench, without: set[str], folder: Path) -> list[Taken]:
    own, others = cores()
    os.sched_setaffinity(0, others)
    with ExitStack() as stack:
        upstream = stack.enter_context(start_upstream(folder))
        pin(upstream.pid, others, others)
        direct = Gateway("direct", upstream, "/v1/chat/completions", "none", DIRECT)
        taken = [bench.take(direct)]
        starts = stack.enter_context(opened(bench, without, folder, upstream.url))
        for start in starts:
            with start() as gateway:
                pin(gateway.server.pid, own, others)
                taken.append(bench.take(gateway))
    return taken


def over_rivals(ours: Taken, rivals: list[Taken]) -> Iterator[tuple[str, float]]:
    for rival in rivals:
        for figure in ("requests_16", "requests_64", "streams_16"):
            if rival.numbers.get(figure):
                ratio = ours.numbers[figure] / rival.numbers[figure]
                yield f"{figure}_over_{rival.name.lower()}", ratio


def over_direct(direct: Taken, ours: Taken) -> Iterator[tuple[str, float]]:
    """What the gateway costs, as far as it was measured."""
    mine, bare = ours.numbers, direct.numbers
    for variant, name in (("long", "same_dialect"), ("translated", "translated")):
        if f"cpu_{variant}" in mine:
            yield f"cpu_{name}_over_httpx2", mine[f"cpu_{variant}"] / bare[f"cpu_{variant}"]
    for connections in FEW:
        figure = f"latency_{connections}"
        if figure in mine:
            yield f"added_median_ms_{connections}", mine[figure] - bare[figure]
    if "paced_streams" in mine:
        yield "paced_share_of_direct", mine["paced_streams"] / bare["paced_streams"]
    if "many_mb" in mine:
        yield "memory_growth", mine["many_mb"] / mine["few_mb"]


def figures_of(taken: list[Taken]) -> dict[str, float]:
    direct, ours, *rivals = taken
    found = (*over_rivals(ours, rivals), *over_direct(direct, ours))
    figures = {name: round(value, 3) for name, value in found}
    for each in taken:
        figures |= {f"{each.name.lower()}_{k}": round(v, 3) for k, v in each.numbers.items()}
    figures["failed"] = ours.failed
    return figures


def print_table(taken: list[Taken]) -> None:
    table = Table("", *(each.name for each in taken), title="Gateway", caption=interpreter())
    rows = dict.fromkeys(name for each in taken for name in each.numbers)
    for row in rows:
        values = (each.numbers.get(row) for each in taken)
        table.add_row(row, *("" if value is None else f"{value:,.2f}" for value in values))
    table.add_row("failed", *(str(each.failed) for each in taken))
    Console().print(table)
    for each in taken:
        if each.failed:
            print(f"{each.name}: {each.failed} failed, first: {each.said}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="ends within about a minute")
    parser.add_argument("--only", choices=FIGURES, action="append", help="may be repeated")
    parser.add_argument("--without", action="append", default=[], help="litellm, ferrogw or smg")
    given = parser.parse_args()
    only = tuple(given.only or FIGURES)
    bench = Bench(0.5 if given.quick else 6.0, only, quick=given.quick)
    if not has_wrk():
        print("wrk is not installed (apt-get install wrk), so our own load is used instead.")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        # The engines run as another user where this one is root.
        folder.chmod(0o755)
        taken = run(bench, {each.lower() for each in given.without}, folder)
    print_table(taken)
    figures = figures_of(taken)
    print(json.dumps({"figures": figures}))
    sys.exit(1 if figures["failed"] else 0)


if __name__ == "__main__":
    main()
