"""The wall that must hold: a filter in the kernel that lets only harmless calls through.

Everything that is not listed ends the process at once; what well-meaning code may try by mistake
(opening a file, say) is refused with an error that it can react to.
"""

import ctypes
import errno
import struct
from typing import Final

from app.agents.sandbox.inside.syscalls import ALLOWED, Machine

_KILL: Final = 0x80000000
_ALLOW: Final = 0x7FFF0000
_REFUSE: Final = 0x00050000
_LOAD: Final = 0x20  # BPF_LD | BPF_W | BPF_ABS
_IF_EQUAL: Final = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_IF_AT_LEAST: Final = 0x35  # BPF_JMP | BPF_JGE | BPF_K
_IF_ANY_BIT: Final = 0x45  # BPF_JMP | BPF_JSET | BPF_K
_RETURN: Final = 0x06
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16
_X32_BIT: Final = 0x40000000

_PROT_EXEC: Final = 4
_READ_ONLY_FCNTL: Final = (1, 2, 3)  # F_GETFD, F_SETFD, F_GETFL
_READ_ONLY_IOCTL: Final = (0x5401, 0x541B)  # TCGETS (is it a terminal?), FIONREAD
_PR_SET_SECCOMP: Final = 22
_SECCOMP_MODE_FILTER: Final = 2

Instruction = tuple[int, int, int, int]


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def program(machine: Machine, own_process: int) -> list[Instruction]:
    """The filter, as instructions of the classic packet filter: (code, jump true, false, k)."""
    numbers = machine.numbers
    lines: list[Instruction] = [
        _load(_ARCH),
        (_IF_EQUAL, 1, 0, machine.audit_arch),
        _give(_KILL),
        _load(_NUMBER),
    ]
    if machine.is_x86_64:
        lines += [(_IF_AT_LEAST, 0, 1, _X32_BIT), _give(_KILL)]
    for name in ALLOWED:
        if name in numbers:
            lines += _when(numbers[name], [_give(_ALLOW)])
    for name in ("mmap", "mprotect"):
        lines += _when(numbers[name], _unless_bit(2, _PROT_EXEC))
    lines += _when(numbers["fcntl"], _if_among(1, _READ_ONLY_FCNTL))
    lines += _when(numbers["ioctl"], _if_among(1, _READ_ONLY_IOCTL))
    lines += _when(numbers["tgkill"], _if_among(0, (own_process,)))
    lines += _when(numbers["prlimit64"], _only_asking())
    for number, error in machine.refused().items():
        lines += _when(number, [_give(_REFUSE | error)])
    return [*lines, _give(_KILL)]


def install(libc: ctypes.CDLL, machine: Machine, own_process: int) -> None:
    """Put the filter up, for good; raises OSError where the kernel does not take it."""
    lines = program(machine, own_process)
    packed = b"".join(struct.pack("=HBBI", *line) for line in lines)
    filters = _Program(len(lines), packed)
    if libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(filters), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "the kernel does not take a filter of calls")


def _load(offset: int) -> Instruction:
    return (_LOAD, 0, 0, offset)


def _give(answer: int) -> Instruction:
    return (_RETURN, 0, 0, answer)


def _when(number: int, lines: list[Instruction]) -> list[Instruction]:
    """`lines`, which end with an answer, for the call of this number."""
    return [(_IF_EQUAL, 0, len(lines), number), *lines]


def _argument(position: int) -> Instruction:
    """The lower half, which is all that the kernel reads of an int (both are little-endian)."""
    return _load(_ARGUMENTS + 8 * position)


def _unless_bit(position: int, bit: int) -> list[Instruction]:
    return [
        _argument(position),
        (_IF_ANY_BIT, 0, 1, bit),
        _give(_REFUSE | errno.EPERM),
        _give(_ALLOW),
    ]


def _if_among(position: int, values: tuple[int, ...]) -> list[Instruction]:
    lines = [_argument(position)]
    for value in values:
        lines += [(_IF_EQUAL, 0, 1, value), _give(_ALLOW)]
    return [*lines, _give(_REFUSE | errno.EPERM)]


def _only_asking() -> list[Instruction]:
    """Limits are shown and not set: the pointer to new ones, both halves, is null."""
    third = _ARGUMENTS + 8 * 2
    refuse = _give(_REFUSE | errno.EPERM)
    return [
        _argument(0),
        (_IF_EQUAL, 1, 0, 0),
        refuse,
        _load(third),
        (_IF_EQUAL, 1, 0, 0),
        refuse,
        _load(third + 4),
        (_IF_EQUAL, 1, 0, 0),
        refuse,
        _give(_ALLOW),
    ]
