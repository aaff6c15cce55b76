"""What the process that reads a stranger's file may not do, set before its first byte is read."""

import ctypes
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any, Final

from app.knowledge.parsing.limits import ParseLimits

_FORBIDDEN: Final = (
    "socket.", "subprocess.", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn",
    "os.system", "os.startfile", "os.kill", "os.remove", "os.rename", "os.rmdir", "os.mkdir",
    "os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown", "os.putenv", "shutil.",
    "tempfile.", "ftplib.", "http.", "urllib.", "smtplib.", "webbrowser.", "sqlite3.", "pty.",
)  # fmt: skip
# Libraries load further modules of theirs where they first need them.
_READABLE: Final = tuple({sys.prefix, sys.base_prefix, str(Path(__file__).parents[3] / "app")})
_PR_SET_PDEATHSIG: Final = 1
_WRITES: Final = os.O_WRONLY | os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC


def confine(limits: ParseLimits) -> None:
    """Bound this process for good: memory, time, files, and what Python lets it ask of the system.

    The kernel keeps the first three, also in native code; the last is a second wall, for a library
    that would follow a reference in a document. It ends the process where a limit is passed.
    """
    sys.dont_write_bytecode = True
    _end_with_parent()
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_NOFILE, 32)
    _limit(resource.RLIMIT_CPU, limits.cpu_seconds, grace=1)
    _limit(resource.RLIMIT_AS, _address_space() + limits.memory_bytes)
    os.nice(5)
    sys.addaudithook(_refuse)


def _limit(which: int, most: int, *, grace: int = 0) -> None:
    """`grace` is between the signal that says why and the one that cannot be caught."""
    hard = resource.getrlimit(which)[1]
    last = most + grace if hard == resource.RLIM_INFINITY else min(most + grace, hard)
    try:
        resource.setrlimit(which, (min(most, last), last))
    except (ValueError, OSError):
        # macOS has no bound on the address space; time and output are bounded all the same.
        if sys.platform == "linux":
            raise


def _end_with_parent() -> None:
    """Have the kernel end this process with the one that started it; only Linux has the call."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _address_space() -> int:
    """What is mapped already: libraries, and the model that tells languages."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:
        return 0
    return pages * resource.getpagesize()


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event.startswith(_FORBIDDEN):
        raise PermissionError(f"a reader may not: {event}")
    if event == "open":
        path, _, flags = arguments
        # A number is a descriptor that is open already.
        named = None if isinstance(path, int) else os.path.normpath(os.fsdecode(path))
        if flags & _WRITES or (named is not None and not named.startswith(_READABLE)):
            raise PermissionError("a reader opens no files")
