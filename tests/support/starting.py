"""`luminous` as a process of its own, forked from one that has imported it already.

An interpreter that imports the service anew takes seconds, and the tests start some eighty. What
runs is the command itself, and `tests/cli` starts it as an operator does.
"""

import multiprocessing
import os
import runpy
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

IMPORTED = [
    "app.cli.commands", "app.cli.key_work", "app.cli.migrating", "app.cli.service",
    "tests.support.starting",
]  # fmt: skip
FORKING = multiprocessing.get_context("forkserver")
FORKING.set_forkserver_preload(IMPORTED)


class Started:
    """A started command; what it prints goes to a file."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        log.touch()
        self._process = FORKING.Process(target=_luminous, args=(words, dict(environment), log))
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """The exit code, less than zero of a process that was killed; None while it runs."""
        return self._process.exitcode

    def send_signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            # The process that forks them may know sooner than we that it is over.
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def wait(self, seconds: float) -> int:
        self._process.join(seconds)
        code = self.poll()
        assert code is not None, f"still running after {seconds} s: {self.log.read_text()}"
        return code


def _luminous(words: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
    os.environ.clear()
    os.environ.update(environment)
    with log.open("ab") as out:
        os.dup2(out.fileno(), sys.stdout.fileno())
        os.dup2(out.fileno(), sys.stderr.fileno())
    sys.argv = ["luminous", *words]
    runpy.run_module("app.cli", run_name="__main__")
