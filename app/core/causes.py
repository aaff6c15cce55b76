"""How many runs of workflows and agents led to what is done here, each begun by the one before.

It goes with tasks, with the runs that they begin, with messages between mailboxes, and over HTTP,
MCP and A2A with what tools ask of services: one that is this service again, or leads back to it,
counts on. So what begins itself in a roundabout way comes to an end. Whoever makes the number up
keeps their own request short.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Final

HEADER: Final = "X-Luminous-Runs-Behind"
META: Final = "luminous/runs-behind"
"""In the `_meta` of an MCP request: many calls share one connection's headers."""
_MOST_DIGITS: Final = 2
_behind: ContextVar[int] = ContextVar("luminous_runs_behind", default=0)


def runs_behind() -> int:
    return _behind.get()


def count_behind(runs: int) -> None:
    """Have so many be behind all that the present task, and those it begins, do from now on."""
    _behind.set(runs)


def told() -> dict[str, str]:
    """What a request to a service says of it."""
    runs = _behind.get()
    return {HEADER: str(runs)} if runs else {}


def told_in_meta() -> dict[str, int]:
    """What a request over MCP says of it."""
    runs = _behind.get()
    return {META: runs} if runs else {}


def read_meta(meta: Mapping[str, Any] | None) -> int:
    """What a request over MCP says of it; nothing where that is no such number."""
    said = (meta or {}).get(META)
    return read(str(said).encode()) if type(said) is int else 0


def read(said: bytes) -> int:
    """What a request says of it; nothing where that is no number."""
    return int(said) if said.isdigit() and len(said) <= _MOST_DIGITS else 0
