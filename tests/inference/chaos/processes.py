"""Two processes of the service, and engines of their own: all of them may be killed."""

import os
import signal
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from app.cli.embedded import EmbeddedEngines
from app.cli.embedded.postgres import Postgres
from app.cli.embedded.valkey import Valkey
from app.core.config import Settings
from app.core.migrations import upgrade
from tests.cli.test_up import ENVIRONMENT, free_port
from tests.support.starting import Started

LEASE_SECONDS = 2.0
START_SECONDS = 60.0
LIMITS = ("KEY", "USER", "WORKSPACE", "ADDRESS", "SENSITIVE", "ATTEMPTS")
SETTINGS = {
    "LUMINOUS_RUN_LEASE_SECONDS": str(LEASE_SECONDS),
    "LUMINOUS_DISCOVER_LOCAL_MODELS": "false",
    "LUMINOUS_DEMO_PROVIDER": "always",
    "LUMINOUS_OUTBOUND_ALLOW": "127.0.0.1",
    "LUMINOUS_TITLES": "fallback",
    "LUMINOUS_LOG_LEVEL": "warning",
    "LUMINOUS_SIGN_IN_FREE_ATTEMPTS_PER_ADDRESS": "1000000",
    **{f"LUMINOUS_RATE_LIMIT_{name}": "1000000/60" for name in LIMITS},
}


class Process:
    """One `luminous serve`; it may be killed and started again at the same address."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.log = folder / f"{self.port}.log"
        self._environment = environment
        self._process: Started | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def launch(self) -> None:
        self._printed = self.log.stat().st_size if self.log.exists() else 0
        command = ["serve", "--port", str(self.port)]
        self._process = Started(command, self._environment, self.log)

    def wait_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while b"serves on" not in self.log.read_bytes()[self._printed :]:
            assert self._process is not None
            assert self._process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def revive(self) -> None:
        """Start it again, if it was killed."""
        if self._process is None:
            self.launch()
            self.wait_ready()

    def kill(self) -> None:
        """As by `kill -9`."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(30)
            self._process = None


class Engines:
    """The service's own Postgres and Valkey, with everything on disk."""

    def __init__(self, engines: EmbeddedEngines) -> None:
        self._engines = engines
        self.database_url = engines.database_url
        self.redis_url = engines.redis_url
        self._sockets = Path(engines.redis_url.removeprefix("unix://").partition("?")[0]).parent

    def kill_valkey(self) -> None:
        self._kill(Valkey)

    def kill_postgres(self) -> None:
        """At once, as in a crash: what was committed is recovered from its log."""
        self._kill(Postgres)

    def restart(self) -> None:
        """Start what was killed, and wait until it answers."""
        for engine in self._engines._engines:
            if not engine.process.alive:
                if isinstance(engine, Postgres):
                    (engine.path / "postmaster.pid").unlink(missing_ok=True)
                engine.launch(self._sockets)
        for engine in self._engines._engines:
            engine.wait_ready()

    def _kill(self, kind: type[Postgres | Valkey]) -> None:
        (engine,) = (each for each in self._engines._engines if isinstance(each, kind))
        # To Postgres this is an immediate shutdown, which takes its children along.
        number = signal.SIGQUIT if kind is Postgres else signal.SIGKILL
        os.kill(engine.process.pid, number)
        engine.process._process.wait(30)


@contextmanager
def own_engines(folder: Path) -> Iterator[Engines]:
    """Engines that may be killed, with the tables in them."""
    with EmbeddedEngines(folder / "data") as embedded:
        upgrade(embedded.database_url)
        yield Engines(embedded)


@contextmanager
def two_processes(
    place: Settings, settings: Mapping[str, str] | None = None
) -> Iterator[list[Process]]:
    """On the stores and in the folder of `place`; `settings` go before those above."""
    environment = ENVIRONMENT | SETTINGS | dict(settings or {})
    environment["DATABASE_URL"] = place.database_url.get_secret_value()
    environment["REDIS_URL"] = place.redis_url.get_secret_value()
    environment["LUMINOUS_MASTER_KEY"] = b64encode(os.urandom(32)).decode()
    # Each has a folder of its own: a local vector store is open in one process only.
    folders = [place.data_dir / f"files-{n}" for n in range(2)]
    found = [
        Process(place.data_dir, environment | {"LUMINOUS_DATA_DIR": str(folder)})
        for folder in folders
    ]
    try:
        for process in found:
            process.launch()
        for process in found:
            process.wait_ready()
        yield found
    finally:
        for process in found:
            process.stop()
