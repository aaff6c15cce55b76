"""How much of a document is read, and what reading it may cost."""

from dataclasses import dataclass
from typing import Final

MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ParseLimits:
    """Past any of these a document is refused whole: half a document would be found as if whole.

    `unpacked_bytes` is what the parts of an Office file may come to together, `ratio` how many
    times larger than packed one may get. `seconds` is the clock's time from when its reader began,
    `cpu_seconds` the processor's, `memory_bytes` the address space of the process that reads.
    """

    file_bytes: int = 100 * MIB
    pages: int = 2_000
    characters: int = 5_000_000
    blocks: int = 200_000
    unpacked_bytes: int = 400 * MIB
    ratio: int = 200
    parts: int = 20_000
    seconds: float = 300.0
    cpu_seconds: int = 60
    memory_bytes: int = 1024 * MIB
