"""`up` from the outside: the first start, a kill -9, the next start, a clean end."""

import os
import random
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2

COMMAND = [sys.executable, "-m", "app.cli"]
ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if name not in {"DATABASE_URL", "REDIS_URL", "QDRANT_URL"} and "LUMINOUS" not in name
}


def free_port() -> int:
    """One that no client and no server of another test is given before it is listened at.

    The system gives away ports from 32768 on, and a service is killed and started again at its own.
    """
    while True:
        port = random.randrange(10_000, 30_000)  # noqa: S311
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


@contextmanager
def running(port: int, data: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The started service and what it printed up to its readiness."""
    with subprocess.Popen(  # noqa: S603
        [*COMMAND, "up", "--port", str(port), "--data", str(data)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=ENVIRONMENT,
    ) as service:
        printed = ""
        try:
            while "Ctrl-C stops" not in printed:
                line = service.stdout.readline()
                assert line, printed
                printed += line
            yield service, printed
        finally:
            service.terminate()
            service.communicate(timeout=30)


def test_up_prints_a_key_once_survives_kill_9_and_ends_cleanly(tmp_path: Path) -> None:
    port, data = free_port(), tmp_path / "data"
    with running(port, data) as (service, printed):
        assert re.search(r"API key +\S+ +\(shown only this once\)", printed)
        assert httpx2.get(f"http://127.0.0.1:{port}/docs").status_code == 200
        service.kill()
    with running(port, data) as (service, printed):
        assert "Bearer $LUMINOUS_API_KEY" in printed
        another = subprocess.run(  # noqa: S603
            [*COMMAND, "api-key", "create", "--data", str(data)],
            capture_output=True,
            text=True,
            env=ENVIRONMENT,
            check=True,
        )
        assert len(another.stdout.split()) == 1
        service.send_signal(signal.SIGINT)
        rest, _ = service.communicate(timeout=30)
    assert service.returncode == 0
    assert "Traceback" not in rest
    assert not (data / "engines.json").exists()
