"""An engine as a child process: launching it, stopping it, and finding what a crash left."""

import signal
import subprocess
from collections.abc import Collection
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from app.cli.embedded.account import Account
from app.cli.embedded.errors import EngineError

_PROGRAMS = frozenset({"postgres", "initdb", "valkey-server"})
# Nothing of the caller's environment: PG* variables and locales must not change the engines.
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


class EngineProcess:
    """One engine's process, its log, and the signals that stop it, gentlest first."""

    def __init__(self, name: str, stop_signals: tuple[signal.Signals, ...], log: Path) -> None:
        self.name = name
        self.log = log
        self._stop_signals = stop_signals
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else -1

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def launch(self, command: list[str], folder: Path, account: Account | None, lock: int) -> None:
        """Start it in a session of its own, so that the terminal's Ctrl-C reaches only us."""
        with self.log.open("ab") as output:
            self._process = spawn(command, folder, account, lock, output.fileno())

    def signal_stop(self) -> None:
        if self._process and self.alive:
            self._process.send_signal(self._stop_signals[0])

    def finish_stop(self, seconds: float) -> None:
        """Wait for the end that `signal_stop` asked for, then insist."""
        for harder in (*self._stop_signals[1:], signal.SIGKILL):
            if self._process is None:
                return
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
                return
            self._process.send_signal(harder)
            seconds = min(seconds, 3.0)
        if self._process:
            self._process.wait()

    def failure(self, what: str) -> EngineError:
        return EngineError(f"{what}: {last_complaint(self.log)}; its log is {self.log}.")


def package_folder(package: str) -> Path:
    """Find where an engine's package lies; importing it would only set its own machinery going."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise EngineError(
            "The embedded engines are not installed; set DATABASE_URL and REDIS_URL, or start with "
            "scripts/up, which installs them."
        )
    return Path(spec.submodule_search_locations[0])


def spawn(
    command: list[str],
    folder: Path,
    account: Account | None,
    lock: int,
    output: int,
    stdin: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start a program of an engine, which inherits the lock that says engines are alive."""
    try:
        return subprocess.Popen(  # noqa: S603
            command,
            cwd=folder,
            env=_ENVIRONMENT,
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=(lock,),
            umask=0o077,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise EngineError(f"The program {command[0]} cannot be run: {error}.") from None


def last_complaint(log: Path) -> str:
    """Find the last line of a log that says what went wrong, without its time and level."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    for mark in ("FATAL:", "PANIC:", "error:", "ERROR:", "FATAL CONFIG", "Can't", "Fatal"):
        for line in reversed(lines):
            if mark in line:
                return line.partition(mark)[2].strip().rstrip(".") or line.strip()
    return lines[-1].strip().rstrip(".") if lines else "it said nothing"


def stop_leftovers(folders: Collection[Path], seconds: float) -> None:
    """End the engines that a killed process of ours left behind in these folders."""
    found = _processes_in(folders)
    pids = {process.pid for process in found}
    for process in found:
        with suppress(psutil.Error):
            if process.ppid() not in pids:
                # To Postgres SIGINT is a fast shutdown; SIGTERM would wait for its clients.
                process.send_signal(
                    signal.SIGINT if process.name() == "postgres" else signal.SIGTERM
                )
    _, stubborn = psutil.wait_procs(found, timeout=seconds)
    for process in stubborn:
        with suppress(psutil.Error):
            process.kill()


def _processes_in(folders: Collection[Path]) -> list[psutil.Process]:
    places = {str(folder) for folder in folders} | {str(folder.resolve()) for folder in folders}
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.name() in _PROGRAMS and process.cwd() in places:
                found.append(process)
    return found
