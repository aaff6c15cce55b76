"""The gate's script, put together of its pieces."""

from pathlib import Path
from typing import Final

from redis.asyncio import Redis

from app.core.limiter import BUCKETS
from app.core.scripts import BatchedScript

# In the order in which they know of each other.
PIECES: Final = (
    "records",
    "holds",
    "slots",
    "budgets",
    "loads",
    "breakers",
    "admit",
    "settle",
    "decide",
)
FOLDER: Final = Path(__file__).parent / "lua"
SOURCE: Final = BUCKETS + "".join((FOLDER / f"{name}.lua").read_text() for name in PIECES)


def gate_script(valkey: Redis, *, timeout_seconds: float = 2.0) -> BatchedScript:
    return BatchedScript(valkey, SOURCE, timeout_seconds=timeout_seconds)
