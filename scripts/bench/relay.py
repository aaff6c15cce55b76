"""Requests and streams a second through `/openai/v1/chat/completions`, against LiteLLM's proxy.

In one run, one after the other: the bare upstream (a fake OpenAI server that does next to nothing),
Luminous as `luminous up` starts it on engines of its own, and LiteLLM's proxy with its production
settings, which is installed into `.tools/` once and kept there. The server under test has a core to
itself, the load, the upstream and the engines share the others. A stream has 50 chunks that come in
one burst; an answer counts only if it is complete. Both gateways do their full work: key, route,
relay, usage; Luminous also keeps the call in its ledger.

    .venv/bin/python scripts/bench/relay.py [--quick] [--without-litellm]

`--quick` ends within a minute once LiteLLM is installed; the first time the installation comes on
top. Where it cannot be installed (no network), that is said and the other ratios are printed.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2
import orjson
import uvloop
from load import Measured, press, request_bytes
from processes import ROOT, Started, free_port, start, start_service
from rich.console import Console
from rich.table import Table

# An older stable release, by choice: a newer one (1.107.0) has been reported as compromised.
LITELLM = "1.80.11"
LITELLM_HOME = ROOT / ".tools" / f"litellm-{LITELLM}"
LITELLM_KEY = "sk-bench"
PRODUCTION = {"LITELLM_LOG": "ERROR", "LITELLM_MODE": "PRODUCTION", "NO_DOCS": "True"}
CONNECTIONS = 16
EXEC = "import os, sys; os.execv(sys.argv[1], sys.argv[1:])"


@dataclass(frozen=True)
class Gateway:
    """Where to ask; `pid` is what is pinned to the core of its own."""

    name: str
    port: int
    path: str
    model: str
    key: str
    pid: int


@dataclass(frozen=True)
class Result:
    gateway: Gateway
    requests: Measured
    streams: Measured
    alone: Measured


def cores() -> tuple[set[int], set[int]]:
    """The core of the server under test, and those of everything else."""
    found = sorted(os.sched_getaffinity(0))
    return ({found[0]}, set(found[1:])) if len(found) > 1 else (set(found), set(found))


def pin(pid: int, own: set[int], others: set[int]) -> None:
    """Leave the server's core to the server: what it has started runs beside the load."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    family, level = [], [pid]
    while level:
        level = [child for child, parent in parents.items() if parent in level]
        family += level
    for each in (pid, *family):
        with suppress(ProcessLookupError, PermissionError):
            os.sched_setaffinity(each, own if each == pid else others)


@contextmanager
def upstream(folder: Path) -> Iterator[Started]:
    port = free_port()
    script = str(Path(__file__).with_name("upstream.py"))
    with start([script, str(port)], folder, port) as started:
        yield started


@contextmanager
def luminous(folder: Path, upstream_url: str) -> Iterator[Gateway]:
    with start_service(folder) as (service, key):
        integration = {"kind": "openai_compatible", "slug": "bench"}
        integration["base_url"] = f"{upstream_url}/v1"
        answer = httpx2.post(
            f"{service.url}/v1/integrations",
            json=integration,
            headers={"Authorization": f"Bearer {key}"},
        )
        answer.raise_for_status()
        path, model = "/openai/v1/chat/completions", "bench/bench"
        yield Gateway("Luminous", port_of(service), path, model, key, service.pid)


@contextmanager
def litellm(folder: Path, upstream_url: str) -> Iterator[Gateway]:
    port = free_port()
    model = {
        "model_name": "bench",
        "litellm_params": {
            "model": "openai/bench",
            "api_base": f"{upstream_url}/v1",
            "api_key": "sk-upstream",
        },
    }
    config = folder / "litellm.yaml"
    settings = {"set_verbose": False, "request_timeout": 600, "json_logs": True}
    document = {
        "model_list": [model],
        "litellm_settings": settings,
        "general_settings": {"master_key": LITELLM_KEY},
    }
    config.write_bytes(orjson.dumps(document))  # JSON is YAML
    program = [str(LITELLM_HOME / "bin" / "python"), str(LITELLM_HOME / "bin" / "litellm")]
    options = ["--config", str(config), "--port", str(port), "--host", "127.0.0.1"]
    options += ["--num_workers", "1"]
    with start(["-c", EXEC, *program, *options], folder, port, **PRODUCTION) as started:
        yield Gateway("LiteLLM", port, "/v1/chat/completions", "bench", LITELLM_KEY, started.pid)


def port_of(started: Started) -> int:
    return int(started.url.rpartition(":")[2])


def install_litellm() -> str:
    """Make LiteLLM's own environment; returns why that failed, or nothing."""
    if (LITELLM_HOME / "bin" / "litellm").exists():
        return ""
    print(f"Installing litellm[proxy]=={LITELLM} into {LITELLM_HOME} ...", flush=True)
    python = str(LITELLM_HOME / "bin" / "python")
    steps = (
        [sys.executable, "-m", "venv", str(LITELLM_HOME)],
        [python, "-m", "pip", "install", "--quiet", f"litellm[proxy]=={LITELLM}"],
    )
    for step in steps:
        try:
            subprocess.run(step, check=True, capture_output=True, timeout=900)
        except (subprocess.SubprocessError, OSError) as error:
            shutil.rmtree(LITELLM_HOME, ignore_errors=True)
            said = (getattr(error, "stderr", None) or b"").decode(errors="replace").strip()
            return said.splitlines()[-1] if said else str(error)
    return ""


async def measure(gateway: Gateway, seconds: float) -> Result:
    """Whole answers and streams at 16 connections, and whole answers at one, for latency."""

    async def pressed(streaming: bool, connections: int, share: float) -> Measured:
        document: dict = {"model": gateway.model, "messages": [{"role": "user", "content": "Hi"}]}
        if streaming:
            document["stream"] = True
        request = request_bytes(gateway.port, gateway.path, gateway.key, document)
        return await press(
            gateway.port,
            request,
            connections=connections,
            seconds=seconds * share,
            ending=b"data: [DONE]\n\n" if streaming else b"}",
        )

    return Result(
        gateway,
        await pressed(False, CONNECTIONS, 1),
        await pressed(True, CONNECTIONS, 1),
        await pressed(False, 1, 0.5),
    )


def run(folder: Path, seconds: float, *, with_litellm: bool) -> list[Result]:
    own, others = cores()
    os.sched_setaffinity(0, others)
    results = []
    with upstream(folder) as bare:
        os.sched_setaffinity(bare.pid, others)
        direct = Gateway(
            "upstream alone", port_of(bare), "/v1/chat/completions", "bench", "none", bare.pid
        )
        results.append(uvloop.run(measure(direct, seconds)))
        opened = [luminous, litellm] if with_litellm else [luminous]
        for opening in opened:
            with opening(folder, bare.url) as gateway:
                pin(gateway.pid, own, others)
                results.append(uvloop.run(measure(gateway, seconds)))
    return results


def figures_of(results: list[Result]) -> dict[str, float]:
    direct, ours, *rest = results
    figures = {
        "requests_per_second": round(ours.requests.rate, 1),
        "streams_per_second": round(ours.streams.rate, 1),
        "upstream_requests_per_second": round(direct.requests.rate, 1),
        "upstream_streams_per_second": round(direct.streams.rate, 1),
        "requests_over_upstream": round(ours.requests.rate / direct.requests.rate, 3),
        "streams_over_upstream": round(ours.streams.rate / direct.streams.rate, 3),
        "added_median_ms_one_connection": round(ours.alone.median_ms - direct.alone.median_ms, 3),
        "failed": ours.requests.failed + ours.streams.failed + ours.alone.failed,
    }
    for other in rest:
        figures |= {
            "litellm_requests_per_second": round(other.requests.rate, 1),
            "litellm_streams_per_second": round(other.streams.rate, 1),
            "requests_over_litellm": round(ours.requests.rate / other.requests.rate, 1),
            "streams_over_litellm": round(ours.streams.rate / other.streams.rate, 1),
            "litellm_added_median_ms_one_connection": round(
                other.alone.median_ms - direct.alone.median_ms, 3
            ),
        }
    return figures


def print_table(results: list[Result]) -> None:
    title = f"{CONNECTIONS} connections; streams of 50 chunks in a burst"
    table = Table(
        "", "requests/s", "streams/s", "ms a request, 1 connection", "failed", title=title
    )
    for each in results:
        failed = each.requests.failed + each.streams.failed + each.alone.failed
        table.add_row(
            each.gateway.name,
            f"{each.requests.rate:,.0f}",
            f"{each.streams.rate:,.0f}",
            f"{each.alone.median_ms:.2f}",
            str(failed),
        )
        for measured in (each.requests, each.streams, each.alone):
            if measured.failed:
                print(f"{each.gateway.name}: {measured.failed} failed, first: {measured.said}")
    Console().print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="ends within a minute")
    parser.add_argument("--without-litellm", action="store_true")
    given = parser.parse_args()
    with_litellm = not given.without_litellm
    if with_litellm and (trouble := install_litellm()):
        print(f"LiteLLM could not be installed, so it is left out: {trouble}")
        with_litellm = False
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        # The engines run as another user where this one is root.
        folder.chmod(0o755)
        results = run(folder, 2.0 if given.quick else 8.0, with_litellm=with_litellm)
    print_table(results)
    figures = figures_of(results)
    print(json.dumps({"figures": figures}))
    sys.exit(1 if figures["failed"] else 0)


if __name__ == "__main__":
    main()
