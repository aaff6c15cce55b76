"""Ways out of the sandbox that were tried, and what exactly became of each.

`native` is code with `ctypes` and with every module that reaches outside: as if the interpreter
itself had been overcome. What holds there, holds without trust in Python.
"""

from typing import Final, NamedTuple


class Attempt(NamedTuple):
    """`says` stands in the error that the code gets; `reason` is how its process ended."""

    name: str
    code: str
    reason: str = "error"
    says: str = ""
    native: bool = False


_SYSCALL: Final = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    done = libc.syscall(ctypes.c_long(number), *arguments)
    if done < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return done
"""
_DENIED, _NOT_PERMITTED = "PermissionError: [Errno 13]", "PermissionError: [Errno 1]"


def _native(name: str, code: str, reason: str = "error", says: str = "") -> Attempt:
    return Attempt(name, code, reason, says, native=True)


def _raw(name: str, call: str, reason: str = "error", says: str = "") -> Attempt:
    return Attempt(name, f"{_SYSCALL}\n{call}", reason, says, native=True)


NETWORK: Final = [
    Attempt("import of socket", "import socket", says="'socket' cannot be imported here"),
    Attempt("import of urllib", "import urllib.request", says="cannot be imported here"),
    _native("TCP socket", "import socket\nsocket.socket()", says=_NOT_PERMITTED),
    _native("UDP socket", "import socket\nsocket.socket(2, 2)", says=_NOT_PERMITTED),
    _native("raw socket", "import socket\nsocket.socket(2, 3, 1)", says=_NOT_PERMITTED),
    _native("Unix socket", "import socket\nsocket.socket(1, 1)", says=_NOT_PERMITTED),
    _native("netlink socket", "import socket\nsocket.socket(16, 3)", says=_NOT_PERMITTED),
    _native("socket pair", "import socket\nsocket.socketpair()", says=_NOT_PERMITTED),
    _native("DNS", "import socket\nsocket.getaddrinfo(b'example.com', 80)", says="socket.gaierror"),
    _native(
        "a socket out of a descriptor it has",
        "import socket\nsocket.socket(fileno=1).send(b'x')",
        # Asking what kind it is (getsockname) is nothing that code does by mistake.
        reason="forbidden",
    ),
]

FILES: Final = [
    Attempt("/etc/passwd", "open('/etc/passwd')", says=_DENIED),
    Attempt("the real open", "import os\nos.open('/etc/passwd', os.O_RDONLY)", says=_DENIED),
    Attempt("open, found again", "import io\nio.FileIO('/etc/passwd')", says=_DENIED),
    Attempt("/proc/self/environ", "import os\nos.open('/proc/self/environ', 0)", says=_DENIED),
    Attempt("/proc/1/root", "import os\nos.readlink('/proc/1/root')", says=_DENIED),
    Attempt("memory of its parent", "import os\nos.open(f'/proc/{os.getppid()}/mem', 2)",
            says=_DENIED),
    Attempt("shared memory", "import os\nos.open('/dev/shm/x', os.O_CREAT | os.O_RDWR)",
            says=_DENIED),
    Attempt("write to /tmp", "import os\nos.open('/tmp/x', os.O_CREAT | os.O_WRONLY)",
            says=_DENIED),
    Attempt("file without a name", "import os\nos.open('/tmp', os.O_TMPFILE | os.O_RDWR)",
            says=_DENIED),
    Attempt("listing", "import os\nos.listdir('/')", says=_DENIED),
    Attempt("does it exist", "import os\nos.stat('/etc/shadow')", says=_DENIED),
    Attempt("access", "import os\nassert not os.access('/', 0)\nos.statvfs('/')", says=_DENIED),
    Attempt("symbolic link", "import os\nos.symlink('/etc/passwd', 'x')", says=_DENIED),
    Attempt("hard link", "import os\nos.link('/etc/passwd', 'x')", says=_DENIED),
    Attempt("removal", "import os\nos.unlink('/tmp/x')", says=_DENIED),
    Attempt("new folder", "import os\nos.mkdir('/tmp/x')", says=_DENIED),
    Attempt("rename", "import os\nos.rename('/tmp', '/tmp2')", says=_DENIED),
    Attempt("mode", "import os\nos.chmod('/', 0o777)", says=_DENIED),
    Attempt("where am I", "import os\nos.getcwd()", says=_DENIED),
    Attempt("sqlite's own files",
            "import sqlite3\nsqlite3.connect('/tmp/x.db').execute('create table t (a)')",
            says="sqlite3.OperationalError: unable to open database file"),
    Attempt("an extension of sqlite",
            "import sqlite3\nc = sqlite3.connect(':memory:')\nc.enable_load_extension(True)\n"
            "c.load_extension('/tmp/x.so')",
            says="Error"),
    _raw("openat2", "call(437, -100, b'/etc/passwd', bytes(24), 24)", says=_DENIED),
    _raw("chroot out", "call(161, b'..')", reason="forbidden"),
    _raw("name to handle", "call(303, -100, b'/', bytes(128), bytes(8), 0)", reason="forbidden"),
    _raw("handle to file", "call(304, 3, bytes(128), 0)", reason="forbidden"),
    _raw("file descriptor in memory", "call(319, b'x', 0)", says=_NOT_PERMITTED),
    _native("a library from a file", "import ctypes\nctypes.CDLL('libsqlite3.so.0')",
            says="OSError"),
]  # fmt: skip

PROCESSES: Final = [
    Attempt("import of subprocess", "import subprocess", says="cannot be imported here"),
    Attempt("system", "import os\nraise RuntimeError(os.system('id'))",
            says="RuntimeError: 32512"),
    Attempt("fork", "import os\nos.fork()", says=_NOT_PERMITTED),
    Attempt("fork bomb", "import os\nwhile True: os.fork()", says=_NOT_PERMITTED),
    Attempt("execution", "import os\nos.execv('/bin/sh', ['sh'])", says=_NOT_PERMITTED),
    Attempt("spawn", "import os\nos.posix_spawn('/bin/sh', ['sh'], {})", says=_NOT_PERMITTED),
    Attempt("kill its parent", "import os\nos.kill(os.getppid(), 9)", says=_NOT_PERMITTED),
    Attempt("kill all", "import os\nos.kill(-1, 9)", says=_NOT_PERMITTED),
    Attempt("signal its group", "import os\nos.killpg(os.getppid(), 15)", says=_NOT_PERMITTED),
    Attempt("is its parent there", "import os\nos.kill(os.getppid(), 0)", says=_NOT_PERMITTED),
    Attempt("another session", "import os\nos.setsid()", says=_NOT_PERMITTED),
    Attempt("root", "import os\nos.setuid(0)", says=_NOT_PERMITTED),
    Attempt("priority", "import os\nos.setpriority(0, 0, -10)", says=_NOT_PERMITTED),
    Attempt("new pipe", "import os\nos.pipe()", says=_NOT_PERMITTED),
    _native("subprocess", "import subprocess\nsubprocess.run(['id'])", says=_NOT_PERMITTED),
    _native("thread", "import threading\nthreading.Thread(target=print).start()",
            says="can't start new thread"),
    _native("multiprocessing", "import multiprocessing\nimport multiprocessing.popen_fork\n"
            "multiprocessing.Process().start()",
            says=_NOT_PERMITTED),
    _raw("ptrace of its parent", "import os\ncall(101, 16, os.getppid(), 0, 0)",
         reason="forbidden"),
    _raw("memory of its parent, read", "import os\n"
         "call(310, os.getppid(), bytes(16), 1, bytes(16), 1, 0)", reason="forbidden"),
    _raw("memory of its parent, written", "import os\n"
         "call(311, os.getppid(), bytes(16), 1, bytes(16), 1, 0)", reason="forbidden"),
    _raw("descriptor of its parent", "call(438, 3, 0, 0)", reason="forbidden"),
    _raw("its parent, by tgkill", "import os\ncall(234, os.getppid(), os.getppid(), 9)",
         says=_NOT_PERMITTED),
    _raw("its parent, by pidfd", "import os\ncall(434, os.getppid(), 0)", says=_NOT_PERMITTED),
    _raw("its parent's signals, by fcntl", "import os\ncall(72, 1, 8, os.getppid())",
         says=_NOT_PERMITTED),
    _raw("clone", "call(56, 0x11, 0, 0, 0, 0)", says=_NOT_PERMITTED),
    _raw("clone3", "call(435, bytes(88), 88)", says="[Errno 38]"),
    _raw("vfork", "call(58)", says=_NOT_PERMITTED),
    _raw("execveat", "call(322, 3, b'', None, None, 0x1000)", says=_NOT_PERMITTED),
    _raw("a program in memory, executed", "call(322, call(319, b'x', 0), b'', None, None, 4096)",
         says=_NOT_PERMITTED),
    _raw("limits of its parent", "import os\ncall(302, os.getppid(), 7, None, bytes(16))",
         says=_NOT_PERMITTED),
]  # fmt: skip

KERNEL: Final = [
    _raw("io_uring", "call(425, 8, bytes(120))", reason="forbidden"),
    _raw("personality", "call(135, 0x0040000)", reason="forbidden"),
    _raw("bpf", "call(321, 0, bytes(64), 64)", reason="forbidden"),
    _raw("perf events", "call(298, bytes(112), 0, -1, -1, 0)", reason="forbidden"),
    _raw("userfaultfd", "call(323, 0)", reason="forbidden"),
    _raw("keys", "call(248, b'user', b'x', b'y', 1, -3)", reason="forbidden"),
    _raw("namespaces", "call(272, 0x10000000)", reason="forbidden"),
    _raw("another's namespaces", "call(308, 3, 0)", reason="forbidden"),
    _raw("mount", "call(165, b'none', b'/', b'tmpfs', 0, None)", reason="forbidden"),
    _raw("pivot of the root", "call(155, b'/', b'/')", reason="forbidden"),
    _raw("kernel module", "call(175, bytes(8), 8, b'')", reason="forbidden"),
    _raw("reboot", "call(169, 0xfee1dead, 672274793, 0x1234567)", reason="forbidden"),
    _raw("a weaker filter", "call(317, 1, 0, bytes(16))", reason="forbidden"),
    _raw("prctl", "call(157, 22, 0)", says=_NOT_PERMITTED),
    _raw("x32 open", "call(0x40000000 | 2, b'/etc/passwd', 0)", reason="forbidden"),
    _raw("x32 socket", "call(0x40000000 | 41, 2, 1, 0)", reason="forbidden"),
    _raw("a call that is not there", "call(999)", reason="forbidden"),
    _raw("program code of its own", "call(9, 0, 4096, 7, 0x22, -1, 0)", says=_NOT_PERMITTED),
    _raw("its own memory made a program",
         "libc.mmap.restype = ctypes.c_void_p\n"
         "libc.mmap.argtypes = [ctypes.c_void_p] + [ctypes.c_size_t] * 5\n"
         "page = libc.mmap(0, 4096, 3, 0x22, 2**64 - 1, 0)\n"
         "call(10, ctypes.c_void_p(page), ctypes.c_size_t(4096), 5)", says=_NOT_PERMITTED),
    _raw("higher limits", "import resource\n"
         "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))", says=""),
    _raw("input for a terminal", "call(16, 1, 0x5412, b'x')", says=_NOT_PERMITTED),
]  # fmt: skip

COSTS: Final = [
    Attempt("memory", "x = bytearray(10**10)", reason="memory"),
    Attempt("memory, bit by bit", "x = []\nwhile True: x.append(bytes(10**6))", reason="memory"),
    Attempt("memory, by a number", "x = 10 ** (10 ** 10)", reason="timeout"),
    Attempt("processor", "while True: pass", reason="timeout"),
    Attempt("processor, deaf to signals",
            "import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass",
            reason="timeout"),
    Attempt("sleep", "import time\ntime.sleep(10**6)", reason="timeout"),
    Attempt("sleep, deaf to signals",
            "import signal, time\nfor n in range(1, 32):\n"
            "    try: signal.signal(n, signal.SIG_IGN)\n"
            "    except (OSError, ValueError): pass\ntime.sleep(10**6)",
            reason="timeout"),
    Attempt("regular expression", "import re\nre.match('(a+)+$', 'a' * 60 + 'b')",
            reason="timeout"),
    Attempt("output", "while True: print('x' * 1000)", reason="output"),
    Attempt("errors", "import sys\nwhile True: sys.stderr.write('x' * 1000)", reason="output"),
    Attempt("what it tells", "import os\nwhile True: os.write(3, b'x' * 1000)", reason="output"),
    Attempt("depth", "def f(): f()\nf()", says="RecursionError"),
    Attempt("stack of the interpreter", "exec('(' * 10**5)", says="Error"),
    Attempt("huge text", "print(len('x' * 10**9))", reason="memory"),
]  # fmt: skip

INSIDE: Final = [
    Attempt("this project", "import app.core.config", says="cannot be imported here"),
    Attempt("what it had imported", "import sys\nsys.modules['ctypes']", says="KeyError"),
    Attempt("packages", "import orjson", says="cannot be imported here"),
    Attempt("its finder, put back",
            "import sys, importlib.machinery as m\nsys.meta_path.append(m.PathFinder)\n"
            "sys.path.append('/usr/lib/python3')\n"
            "sys.meta_path.pop(2)\nimport smtplib", says="smtplib"),
    Attempt("signals to itself", "import signal\nsignal.raise_signal(9)", reason="memory"),
    Attempt("abort", "import os\nos.abort()", reason="crashed"),
    _native("null pointer", "import ctypes\nctypes.string_at(0)", reason="crashed"),
]  # fmt: skip
