"""The sandbox's process, from outside: started, read within bounds, ended, and counted."""

import asyncio
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from app.agents.sandbox.errors import SandboxFailed

_ROOT: Final = Path(__file__).parents[3]
_START: Final = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from app.agents.sandbox.inside.child import main; main()"
)
_PIECE: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended, as `os.wait4` tells it."""

    status: int
    usage: resource.struct_rusage

    @property
    def signal(self) -> int | None:
        return os.WTERMSIG(self.status) if os.WIFSIGNALED(self.status) else None


class Kept:
    """The beginning and the end of a stream."""

    def __init__(self, most: int) -> None:
        self._half = most // 2
        self._head = bytearray()
        self._tail = bytearray()
        self.count = 0

    def add(self, piece: bytes) -> None:
        self.count += len(piece)
        room = self._half - len(self._head)
        self._head += piece[:room]
        self._tail += piece[room:]
        del self._tail[: max(0, len(self._tail) - self._half)]

    def text(self) -> str:
        left_out = self.count - len(self._head) - len(self._tail)
        mark = f"\n… {left_out} bytes left out …\n".encode() if left_out else b""
        return (bytes(self._head) + mark + bytes(self._tail)).decode("utf-8", "replace")


class Process:
    """One interpreter for one piece of code. `request` is what it reads at its beginning."""

    def __init__(self, request: bytes) -> None:
        self._ours: list[int] = []
        theirs: list[int] = []
        try:
            given = os.memfd_create("request")
            theirs.append(given)
            _fill(given, request)
            for _ in range(3):
                reader, writer = os.pipe()
                self._ours.append(reader)
                theirs.append(writer)
            self._process = _started(theirs)
            self._watched = _watched(self._process)
        except OSError as error:
            self._close()
            raise SandboxFailed(f"{type(error).__name__}.", retry_after=5) from error
        finally:
            for descriptor in theirs:
                os.close(descriptor)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.kill()
        self._close()
        if self._process.returncode is None:
            await asyncio.shield(self.wait())
        os.close(self._watched)

    def kill(self) -> None:
        if self._process.returncode is None:
            signal.pidfd_send_signal(self._watched, signal.SIGKILL)

    async def read(self, position: int, take: Callable[[bytes], None]) -> None:
        """Hand over all of one stream: 0 its output, 1 its errors, 2 what it tells."""
        descriptor = self._ours[position]
        loop = asyncio.get_running_loop()
        over: asyncio.Future[None] = loop.create_future()

        def come() -> None:
            try:
                piece = os.read(descriptor, _PIECE)
            except BlockingIOError:
                return
            if piece:
                take(piece)
            else:
                _settle(over)

        os.set_blocking(descriptor, False)
        loop.add_reader(descriptor, come)
        try:
            await over
        finally:
            loop.remove_reader(descriptor)

    async def wait(self) -> Ended:
        loop = asyncio.get_running_loop()
        over: asyncio.Future[None] = loop.create_future()
        loop.add_reader(self._watched, _settle, over)
        try:
            await over
        finally:
            loop.remove_reader(self._watched)
        _, status, usage = os.wait4(self._process.pid, 0)  # noqa: ASYNC222 - it has ended
        self._process.returncode = os.waitstatus_to_exitcode(status)
        return Ended(status, usage)

    def _close(self) -> None:
        while self._ours:
            os.close(self._ours.pop())


def _settle(over: asyncio.Future[None]) -> None:
    if not over.done():
        over.set_result(None)


def _watched(process: subprocess.Popen[bytes]) -> int:
    """A descriptor of the process, which no other can come to stand for; raises OSError."""
    try:
        return os.pidfd_open(process.pid)
    except OSError:
        process.kill()
        process.wait()
        raise


def _fill(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]
    os.lseek(descriptor, 0, os.SEEK_SET)


def _started(theirs: list[int]) -> subprocess.Popen[bytes]:
    """The interpreter, isolated, with nothing of this process's environment: it holds keys."""
    given, output, errors, told = theirs
    return subprocess.Popen(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-I", "-S", "-E", "-B", "-X", "utf8", "-c", _START, str(_ROOT), str(told)],
        stdin=given,
        stdout=output,
        stderr=errors,
        pass_fds=(told,),
        cwd="/",
        env={"LANG": "C.UTF-8"},
        start_new_session=True,
    )
