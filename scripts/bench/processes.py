"""The processes that a benchmark measures: started on loopback, stopped at the end."""

import os
import platform
import re
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60
CPUCLOCK_SCHED = 2  # clock_getcpuclockid(3), which Python has of threads alone
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
EXEC = "import os, sys; os.execv(sys.argv[1], sys.argv[1:])"


@dataclass(frozen=True)
class Started:
    """A running server. `cpu_seconds` is what its one process has used."""

    pid: int
    url: str
    log: Path

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def resident_mb(self) -> float:
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * PAGE / 1024 / 1024

    def cpu_seconds(self) -> float:
        """To the nanosecond, by the clock of that process: `/proc` counts hundredths."""
        return time.clock_gettime((~self.pid << 3) | CPUCLOCK_SCHED)


def interpreter() -> str:
    """The Python that is measured: one that was built by a profile does the same in less time."""
    arguments = sysconfig.get_config_var("CONFIG_ARGS") or ""
    built = "with" if "--enable-optimizations" in arguments else "without"
    return f"CPython {platform.python_version()}, built {built} --enable-optimizations"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def cores() -> tuple[set[int], set[int]]:
    """The core of the server under test, and those of everything else."""
    found = sorted(os.sched_getaffinity(0))
    return ({found[0]}, set(found[1:])) if len(found) > 1 else (set(found), set(found))


def family(pid: int) -> list[int]:
    """A process and all that it has started, and these, and so on."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    found, level = [], [pid]
    while level:
        found += level
        level = [child for child, parent in parents.items() if parent in level]
    return found


def family_cpu_seconds(pid: int) -> float:
    """What a process has used with all that it has started, ended ones among them."""
    ticks = 0
    for each in family(pid):
        with suppress(OSError):
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
    return ticks / TICKS


def pin(pid: int, own: set[int], others: set[int]) -> None:
    """Leave the server's core to the server: what it has started runs beside the load."""
    for each in family(pid):
        # Each thread has its own set of cores.
        for thread in Path(f"/proc/{each}/task").glob("[0-9]*"):
            with suppress(ProcessLookupError, PermissionError):
                os.sched_setaffinity(int(thread.name), own if each == pid else others)


@contextmanager
def start_program(
    program: Path, arguments: list[str], folder: Path, port: int, **env: str
) -> Iterator[Started]:
    """Run another program than Python; ready when it listens."""
    with start(["-c", EXEC, str(program), *arguments], folder, port, **env) as started:
        yield started


@contextmanager
def start_upstream(folder: Path) -> Iterator[Started]:
    """The fake provider."""
    port = free_port()
    script = str(Path(__file__).with_name("upstream.py"))
    with start([script, str(port)], folder, port) as started:
        yield started


@contextmanager
def start(
    arguments: list[str], folder: Path, port: int, ready: str | None = None, **env: str
) -> Iterator[Started]:
    """Run `python <arguments>` until the block ends; ready when it listens, or prints `ready`."""
    log = folder / f"{port}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env={**os.environ, **env},
        )
    try:
        _wait(process, log, port, ready)
        yield Started(process.pid, f"http://127.0.0.1:{port}", log)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait(process: subprocess.Popen[bytes], log: Path, port: int, ready: str | None) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        if ready is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
        elif ready in log.read_text():
            return
        time.sleep(0.05)
    raise SystemExit(f"A server did not start:\n{log.read_text()[-2000:]}")


@contextmanager
def start_demo(folder: Path) -> Iterator[Started]:
    """The demo provider as a server of its own."""
    port = free_port()
    arguments = ["-m", "app.inference.providers.demo", "--port", str(port)]
    with start(arguments, folder, port) as demo:
        yield demo


@contextmanager
def start_service(folder: Path) -> Iterator[tuple[Started, str]]:
    """Luminous on its own engines, with quiet logs; gives it and its first API key."""
    port = free_port()
    arguments = ["-m", "app.cli", "up", "--port", str(port), "--data", str(folder / "data")]
    settings = {
        "LUMINOUS_LOG_LEVEL": "warning",
        "LUMINOUS_OUTBOUND_ALLOW": "127.0.0.1",
        "LUMINOUS_DISCOVER_LOCAL_MODELS": "false",
        "LUMINOUS_TITLES": "fallback",
        # Limits are counted as ever; they only are not reached. RATE_LIMITS=off leaves them out.
        **{
            f"LUMINOUS_RATE_LIMIT_{name}": os.environ.get("RATE_LIMITS", "1000000/60")
            for name in ("KEY", "USER", "WORKSPACE", "ADDRESS", "SENSITIVE", "ATTEMPTS")
        },
    }
    with start(arguments, folder, port, "Ctrl-C stops", **settings) as service:
        yield service, re.search(r"lum_live_\w+", service.log.read_text())[0]
