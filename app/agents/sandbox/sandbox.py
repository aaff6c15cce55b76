"""Code of strangers, run where it can reach nothing."""

import asyncio
import base64
import os
import signal
import sys
import time
from importlib.resources import files
from typing import Any, Final

import orjson

from app.agents.sandbox.errors import SandboxFailed, SandboxUnavailable
from app.agents.sandbox.inside.child import REFUSED
from app.agents.sandbox.limits import Code, CodeLimits, Execution, Platform, Reason
from app.agents.sandbox.modules import MODULES, wanted
from app.agents.sandbox.process import Ended, Kept, Process
from app.core.log import get_logger

log = get_logger(__name__)

# What a process may tell beside the files that it made: layers, a value, a traceback.
_MOST_TOLD: Final = 1024 * 1024
_ZONES: Final = str(files("tzdata") / "zoneinfo")
_START_SECONDS: Final = 20.0
_ENDINGS: Final[dict[int, Reason]] = {
    signal.SIGSYS: "forbidden",
    signal.SIGXCPU: "timeout",
    signal.SIGALRM: "timeout",
}


class Sandbox:
    """Runs at most `at_once` pieces of code together; the rest waits its turn.

    `modules` are importable beside `MODULES`: the walls do not depend on what can be imported.
    """

    def __init__(self, at_once: int = 2, *, modules: tuple[str, ...] = ()) -> None:
        self._turns = asyncio.Semaphore(at_once)
        self._modules = modules
        self._platform: Platform | None = None
        self._asking = asyncio.Lock()

    async def platform(self) -> Platform:
        """What holds on this host, found by trying once."""
        async with self._asking:
            if self._platform is None:
                self._platform = await self._tried()
            return self._platform

    async def run(self, code: Code, limits: CodeLimits | None = None) -> Execution:
        """Run code to its end, or to its bounds; cut off, its process is killed.

        Raises SandboxUnavailable where it cannot be confined, and then runs nothing of it, and
        SandboxFailed where no process can be started.
        """
        if sys.platform != "linux":
            raise SandboxUnavailable("It takes Linux: other systems have no seccomp.")
        bounds = limits or CodeLimits()
        async with self._turns:
            began = time.monotonic()
            async with Process(self._request(code, bounds)) as process:
                watching = _Watching(process, bounds)
                ended = await watching.to_the_end()
            return _execution(watching, ended, time.monotonic() - began)

    async def _tried(self) -> Platform:
        try:
            if sys.platform != "linux":
                raise SandboxUnavailable("It takes Linux: other systems have no seccomp.")
            bounds = CodeLimits()
            async with Process(self._request(Code(""), bounds)) as process:
                watching = _Watching(process, bounds)
                ended = await watching.to_the_end()
            _expect_confined(watching, ended)
        except (SandboxUnavailable, SandboxFailed) as error:
            log.warning("sandbox_unavailable", reason=error.detail)
            return Platform(ready=False, layers={}, missing=error.detail or error.title)
        return Platform(ready=True, layers=watching.layers)

    def _request(self, code: Code, limits: CodeLimits) -> bytes:
        return orjson.dumps(
            {
                "parent": os.getpid(),
                "modules": wanted(code.text, self._modules),
                "every": MODULES,
                "zones": _ZONES,
                "code": code.text,
                "stdin": code.stdin,
                "data": code.data,
                "files": {n: base64.b64encode(c).decode() for n, c in code.files.items()},
                "limits": {
                    "cpu_seconds": limits.cpu_seconds,
                    "memory_bytes": limits.memory_bytes,
                    "file_bytes": limits.file_bytes,
                },
            }
        )


class _Watching:
    """One process while it runs: what it says, and why it was ended where we did it."""

    def __init__(self, process: Process, limits: CodeLimits) -> None:
        self._process = process
        self._limits = limits
        self.stdout, self.stderr = Kept(limits.kept_bytes), Kept(limits.kept_bytes)
        self._told = bytearray()
        self._begun = asyncio.Event()
        self.killed: Reason | None = None

    async def to_the_end(self) -> Ended:
        async with asyncio.TaskGroup() as tasks:
            reading = [
                tasks.create_task(self._process.read(0, self._keep(self.stdout))),
                tasks.create_task(self._process.read(1, self._keep(self.stderr))),
                tasks.create_task(self._process.read(2, self._hear)),
            ]
            clock = tasks.create_task(self._clock())
            ended = await self._process.wait()
            await asyncio.wait(reading)
            clock.cancel()
        return ended

    async def _clock(self) -> None:
        """The code's time begins when the walls stand: to start takes longer on a busy machine."""
        try:
            async with asyncio.timeout(_START_SECONDS):
                await self._begun.wait()
            await asyncio.sleep(self._limits.seconds)
        except TimeoutError:
            pass
        self._end("timeout")

    def _end(self, reason: Reason) -> None:
        self.killed = self.killed or reason
        self._process.kill()

    def _keep(self, stream: Kept) -> Any:
        def take(piece: bytes) -> None:
            stream.add(piece)
            if self.stdout.count + self.stderr.count > self._limits.output_bytes:
                self._end("output")

        return take

    def _hear(self, piece: bytes) -> None:
        self._told += piece
        if b"\n" in self._told:
            self._begun.set()
        if len(self._told) > _MOST_TOLD + self._limits.file_bytes * 4 // 3:
            self._end("output")

    @property
    def cpu_seconds(self) -> int:
        return self._limits.cpu_seconds

    @property
    def layers(self) -> dict[str, Any]:
        """Which walls stand: told before the first line of the code was run."""
        return dict(self._line(0).get("layers") or {})

    @property
    def refused(self) -> str | None:
        said = self._line(0).get("refused")
        return said if isinstance(said, str) else None

    @property
    def last(self) -> dict[str, Any]:
        """How the code ended, by its own word."""
        return self._line(1)

    def _line(self, number: int) -> dict[str, Any]:
        lines = bytes(self._told).split(b"\n")
        try:
            said = orjson.loads(lines[number])
        except (IndexError, orjson.JSONDecodeError):
            return {}
        return said if isinstance(said, dict) else {}


def _expect_confined(watching: _Watching, ended: Ended) -> None:
    if watching.refused is not None:
        raise SandboxUnavailable(watching.refused)
    if not watching.layers.get("seccomp"):
        said = watching.stderr.text().strip()[-200:]
        raise SandboxFailed(f"It ended with status {ended.status}. {said}", retry_after=5)


def _execution(watching: _Watching, ended: Ended, seconds: float) -> Execution:
    if watching.refused is not None or os.waitstatus_to_exitcode(ended.status) == REFUSED:
        _expect_confined(watching, ended)
    if watching.killed is None and not watching.layers:
        _expect_confined(watching, ended)
    last = watching.last
    reason = _reason(watching, ended)
    return Execution(
        reason=reason,
        stdout=watching.stdout.text(),
        stderr=watching.stderr.text(),
        value=_text(last.get("value")) if reason == "ok" else None,
        error=_text(last.get("error")) if reason == "error" else None,
        files=_files(last.get("files")),
        lost_files=[str(name) for name in _list(last.get("lost_files"))],
        seconds=round(seconds, 3),
        cpu_seconds=round(ended.usage.ru_utime + ended.usage.ru_stime, 3),
    )


def _reason(watching: _Watching, ended: Ended) -> Reason:
    if watching.killed is not None:
        return watching.killed
    if ended.signal is not None:
        return _by_signal(ended, watching)
    said = watching.last.get("reason")
    if said in ("ok", "error", "memory") and ended.status == 0:
        known: Reason = said
        return known
    return "crashed"


def _by_signal(ended: Ended, watching: _Watching) -> Reason:
    """The kernel kills without a word whoever passes the bound of the processor's time."""
    number = ended.signal or 0
    if number == signal.SIGKILL:
        used = ended.usage.ru_utime + ended.usage.ru_stime
        return "timeout" if used >= watching.cpu_seconds else "memory"
    return _ENDINGS.get(number, "crashed")


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _files(told: object) -> dict[str, bytes]:
    """Files as the code's process tells them; it may tell anything."""
    if not isinstance(told, dict):
        return {}
    try:
        return {str(name): base64.b64decode(each) for name, each in told.items()}
    except (TypeError, ValueError):
        return {}
