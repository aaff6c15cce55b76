"""What code may cost, and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

MIB: Final = 1024 * 1024

Reason = Literal["ok", "error", "timeout", "memory", "output", "forbidden", "crashed"]
"""How code ended: by itself; by an error of its own; out of time (the clock's or the processor's),
of memory, or of output; by a call to the system that ends a process; or its interpreter broke."""


@dataclass(frozen=True, slots=True)
class CodeLimits:
    """Seconds of the clock and of the processor, bytes of memory beside the interpreter's own.

    Of each stream `kept_bytes` are kept, half from its beginning and half from its end; past
    `output_bytes` of both together the code is ended. `file_bytes` are those of all files written.
    """

    seconds: float = 20.0
    cpu_seconds: int = 10
    memory_bytes: int = 256 * MIB
    kept_bytes: int = 32 * 1024
    output_bytes: int = 4 * MIB
    file_bytes: int = 2 * MIB


MOST_CODE_BYTES: Final = 100 * 1024
MOST_INPUT_BYTES: Final = 8 * MIB


@dataclass(frozen=True, slots=True)
class Code:
    """What is to be run: `data` is there as a variable of this name, `files` for `open`."""

    text: str
    stdin: str = ""
    data: Any = None
    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Execution:
    """What came of it. `value` is the `repr` of the last statement where that is an expression.

    `error` is a traceback of the code's own. What the code says of itself (`value`, `error`,
    `files`, and an `ok`) is as true as the code; a process that was ended is never `ok`.
    """

    reason: Reason
    stdout: str
    stderr: str
    value: str | None = None
    error: str | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    lost_files: Sequence[str] = ()
    seconds: float = 0.0
    cpu_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Platform:
    """Whether this host can keep code in, by which layers; otherwise why not.

    `layers`: `seccomp`, `limits` (these two must hold), `landlock` (the version of its interface),
    `namespaces`, `empty_root`, `nobody` (no rights of root).
    """

    ready: bool
    layers: Mapping[str, Any]
    missing: str | None = None
