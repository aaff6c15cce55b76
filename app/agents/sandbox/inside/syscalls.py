"""Which calls to the Linux kernel code may make, and how the others are refused; by machine."""

import errno
import platform
from typing import Final, NamedTuple

# name: number on x86_64, number on aarch64 (None where that machine does not have it).
_NUMBERS: Final[dict[str, tuple[int | None, int | None]]] = {
    "read": (0, 63), "write": (1, 64), "close": (3, 57), "fstat": (5, 80), "poll": (7, None),
    "lseek": (8, 62), "mmap": (9, 222), "mprotect": (10, 226), "munmap": (11, 215),
    "brk": (12, 214), "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139), "ioctl": (16, 29), "readv": (19, 65), "writev": (20, 66),
    "select": (23, None), "sched_yield": (24, 124), "mremap": (25, 216), "madvise": (28, 233),
    "pause": (34, None), "nanosleep": (35, 101), "getitimer": (36, 102), "alarm": (37, None),
    "setitimer": (38, 103), "getpid": (39, 172), "exit": (60, 93), "fcntl": (72, 25),
    "gettimeofday": (96, 169), "getrlimit": (97, 163), "getrusage": (98, 165),
    "times": (100, 153), "getuid": (102, 174), "getgid": (104, 176), "geteuid": (107, 175),
    "getegid": (108, 177), "getppid": (110, 173), "rt_sigpending": (127, 136),
    "rt_sigtimedwait": (128, 137), "rt_sigsuspend": (130, 133), "sigaltstack": (131, 132),
    "gettid": (186, 178), "time": (201, None), "futex": (202, 98),
    "sched_getaffinity": (204, 123), "restart_syscall": (219, 128), "clock_gettime": (228, 113),
    "clock_getres": (229, 114), "clock_nanosleep": (230, 115), "exit_group": (231, 94),
    "tgkill": (234, 131), "pselect6": (270, 72), "ppoll": (271, 73), "prlimit64": (302, 261),
    "getrandom": (318, 278),
    # Files, by name.
    "open": (2, None), "stat": (4, None), "lstat": (6, None), "access": (21, None),
    "truncate": (76, 45), "ftruncate": (77, 46), "getdents": (78, None), "getcwd": (79, 17),
    "chdir": (80, 49), "fchdir": (81, 50), "rename": (82, None), "mkdir": (83, None),
    "rmdir": (84, None), "creat": (85, None), "link": (86, None), "unlink": (87, None),
    "symlink": (88, None), "readlink": (89, None), "chmod": (90, None), "fchmod": (91, 52),
    "chown": (92, None), "fchown": (93, 55), "lchown": (94, None), "statfs": (137, 43),
    "mknod": (133, None), "getdents64": (217, 61), "openat": (257, 56), "mkdirat": (258, 34),
    "mknodat": (259, 33), "fchownat": (260, 54), "newfstatat": (262, 79), "unlinkat": (263, 35),
    "renameat": (264, 38), "linkat": (265, 37), "symlinkat": (266, 36), "readlinkat": (267, 78),
    "fchmodat": (268, 53), "faccessat": (269, 48), "utimensat": (280, 88),
    "renameat2": (316, 276), "statx": (332, 291), "openat2": (437, 437),
    "faccessat2": (439, 439),
    # New descriptors, other processes, the network, the machine.
    "pipe": (22, None), "pipe2": (293, 59), "dup": (32, 23), "dup2": (33, None), "dup3": (292, 24),
    "memfd_create": (319, 279), "eventfd2": (290, 19), "epoll_create1": (291, 20),
    "epoll_create": (213, None), "inotify_init1": (294, 26), "timerfd_create": (283, 85),
    "socket": (41, 198), "connect": (42, 203), "socketpair": (53, 199), "bind": (49, 200),
    "listen": (50, 201), "sendto": (44, 206), "sendmsg": (46, 211), "accept4": (288, 242),
    "clone": (56, 220), "fork": (57, None), "vfork": (58, None), "execve": (59, 221),
    "execveat": (322, 281), "wait4": (61, 260), "waitid": (247, 95), "kill": (62, 129),
    "tkill": (200, 130), "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240),
    "pidfd_open": (434, 434), "uname": (63, 160), "sysinfo": (99, 179), "umask": (95, 166),
    "setpgid": (109, 154), "getpgid": (121, 155), "getpgrp": (111, None), "setsid": (112, 157),
    "getsid": (124, 156), "setuid": (105, 146), "setgid": (106, 144), "setreuid": (113, 145),
    "setregid": (114, 143), "setgroups": (116, 159), "setresuid": (117, 147),
    "setresgid": (119, 149), "getpriority": (140, 141), "setpriority": (141, 140),
    "setrlimit": (160, 164), "prctl": (157, 167), "sched_setaffinity": (203, 122),
    "sched_setscheduler": (144, 119), "sched_setparam": (142, 118), "fsync": (74, 82),
    "sync": (162, 81), "clone3": (435, 435),
}  # fmt: skip

ALLOWED: Final = (
    "read", "write", "futex", "brk", "munmap", "mremap", "madvise", "clock_gettime", "close",
    "fstat", "poll", "lseek", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "readv", "writev",
    "select", "sched_yield", "pause", "nanosleep", "getitimer", "alarm", "setitimer", "getpid",
    "exit", "gettimeofday", "getrlimit", "getrusage", "times", "getuid", "getgid", "geteuid",
    "getegid", "getppid", "rt_sigpending", "rt_sigtimedwait", "rt_sigsuspend", "sigaltstack",
    "gettid", "time", "sched_getaffinity", "restart_syscall", "clock_getres", "clock_nanosleep",
    "exit_group", "pselect6", "ppoll", "getrandom",
)  # fmt: skip
LOOKED_INTO: Final = ("mmap", "mprotect", "fcntl", "ioctl", "tgkill", "prlimit64")
"""Allowed with some arguments; see `seccomp`."""

_NO_FILES: Final = (
    "open", "stat", "lstat", "access", "truncate", "ftruncate", "getdents", "getcwd", "chdir",
    "fchdir", "rename", "mkdir", "rmdir", "creat", "link", "unlink", "symlink", "readlink", "chmod",
    "fchmod", "chown", "fchown", "lchown", "statfs", "mknod", "getdents64", "openat", "mkdirat",
    "mknodat", "fchownat", "newfstatat", "unlinkat", "renameat", "linkat", "symlinkat",
    "readlinkat", "fchmodat", "faccessat", "utimensat", "renameat2", "statx", "openat2",
    "faccessat2",
)  # fmt: skip
# glibc falls back to `clone` where `clone3` is not there.
_OTHERWISE: Final = {"clone3": errno.ENOSYS}


class Machine(NamedTuple):
    """A kind of processor: as audit names it, and the numbers of its calls."""

    audit_arch: int
    numbers: dict[str, int]
    is_x86_64: bool

    def refused(self) -> dict[int, int]:
        """What code is refused with an error that it can react to: `{number: errno}`."""
        errors = dict.fromkeys(_NO_FILES, errno.EACCES) | _OTHERWISE
        return {
            number: errors.get(name, errno.EPERM)
            for name, number in self.numbers.items()
            if name not in ALLOWED and name not in LOOKED_INTO
        }


def machine() -> Machine | None:
    """That of this process; None for one whose calls are not listed here."""
    if platform.machine() == "x86_64":
        return Machine(0xC000003E, _of(0), is_x86_64=True)
    if platform.machine() == "aarch64":
        return Machine(0xC00000B7, _of(1), is_x86_64=False)
    return None


def _of(column: int) -> dict[str, int]:
    numbers = {name: each[column] for name, each in _NUMBERS.items()}
    return {name: number for name, number in numbers.items() if number is not None}
