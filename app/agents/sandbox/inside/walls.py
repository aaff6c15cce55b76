"""Takes everything from this process that code could use: in order, and for good."""

import ctypes
import os
import resource
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from app.agents.sandbox.inside import landlock, seccomp
from app.agents.sandbox.inside.syscalls import machine

REPORT: Final = 3
"""The descriptor by which this process tells its parent; 0 to 2 are the usual ones."""

NOBODY: Final = 65_534
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_NEW_MOUNTS, _NEW_NAMES, _NEW_IPC = 0x00020000, 0x04000000, 0x08000000
_NEW_USERS, _NEW_NETWORK, _NEW_GROUPS = 0x10000000, 0x40000000, 0x02000000
_MS_PRIVATE_ALL: Final = 0x40000 | 0x4000
_MS_EMPTY: Final = 0x1 | 0x2 | 0x4 | 0x8  # read-only, no set-uid, no devices, no programs
_CAPABILITY_VERSION: Final = 0x20080522


class NoWalls(Exception):
    """The system cannot keep code in; the message says what is missing."""


def library() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def die_with_parent(libc: ctypes.CDLL, parent: int) -> None:
    """Have the kernel kill this process when its parent ends."""
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if parent != os.getppid():
        raise SystemExit(1)


def raise_walls(libc: ctypes.CDLL, limits: dict[str, int], parent: int) -> dict[str, Any]:
    """Confine this process; the layers that are in force. Raises NoWalls, and then runs nothing.

    Only the filter of calls and the limits must hold. The rest is a second wall behind them, where
    the host permits it.
    """
    here = machine()
    if here is None:
        raise NoWalls("The calls of this kind of processor are not known.")
    _be_the_first_to_go()
    mapped = _mapped()
    layers: dict[str, Any] = {"nobody": _become_nobody()}
    layers["namespaces"] = (
        libc.unshare(_NEW_USERS | _NEW_MOUNTS | _NEW_NETWORK | _NEW_IPC | _NEW_NAMES | _NEW_GROUPS)
        == 0
    )
    layers["empty_root"] = layers["namespaces"] and _leave_the_files(libc)
    _drop_capabilities(libc)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    # Becoming another user took it back.
    die_with_parent(libc, parent)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise NoWalls("The kernel cannot rule out new privileges.")
    layers["landlock"] = landlock.restrict(libc)
    os.closerange(REPORT + 1, 1 << 16)
    _limit(limits["cpu_seconds"], mapped + limits["memory_bytes"])
    try:
        seccomp.install(libc, here, os.getpid())
    except OSError as error:
        raise NoWalls(f"There is no seccomp: {error.strerror}.") from None
    _expect_closed()
    return layers | {"seccomp": True, "limits": True}


def _be_the_first_to_go() -> None:
    """Where the machine's memory is short, the kernel takes this process before its parent."""
    os.nice(10)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", "ascii")


def _become_nobody() -> bool:
    """Give up being root; true where this process is not."""
    if os.geteuid() != 0:
        return True
    try:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    except OSError:
        return False
    return True


def _leave_the_files(libc: ctypes.CDLL) -> bool:
    """Have an empty folder of memory, in which nothing can be made, for the root of all paths."""
    done: bool = (
        libc.mount(b"none", b"/", None, _MS_PRIVATE_ALL, None) == 0
        and libc.mount(b"none", b"/tmp", b"tmpfs", _MS_EMPTY, b"size=4k,mode=111") == 0
        and libc.chroot(b"/tmp") == 0
    )
    if done:
        os.chdir("/")
    return done


def _limit(cpu: int, memory: int) -> None:
    """Seconds of the processor, bytes of addresses; nothing of all else."""
    for which, soft, hard in (
        (resource.RLIMIT_CPU, cpu, cpu + 1),
        (resource.RLIMIT_AS, memory, memory),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_NOFILE, 0, 0),
        (resource.RLIMIT_NPROC, 0, 0),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_MEMLOCK, 0, 0),
        (resource.RLIMIT_MSGQUEUE, 0, 0),
        (resource.RLIMIT_SIGPENDING, 16, 16),
    ):
        most = resource.getrlimit(which)[1]
        bound = hard if most == resource.RLIM_INFINITY else min(hard, most)
        resource.setrlimit(which, (min(soft, bound), bound))


def _mapped() -> int:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    return pages * resource.getpagesize()


def _drop_capabilities(libc: ctypes.CDLL) -> None:
    """Those over the namespaces of its own, too."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    nothing = (ctypes.c_uint32 * 6)()
    if libc.capset(header, nothing) != 0:
        raise NoWalls("Capabilities cannot be given up.")


def _expect_closed() -> None:
    """What the filter must refuse is tried once: it is what all depends on."""
    try:
        os.close(os.open("/", os.O_RDONLY))
    except PermissionError:
        return
    raise NoWalls("The filter of calls does not hold.")
