"""Going on where Postgres was away for a moment."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.core.log import get_logger

log = get_logger(__name__)

PATIENCE_SECONDS: Final = 60.0
# Connection lost, serialization or deadlock, out of resources, server going down.
_PASSING: Final = ("08", "40", "53", "57")
Result = TypeVar("Result")


async def patiently(act: Callable[[], Awaitable[Result]]) -> Result:
    """What a transaction gives that bears being tried again, for a minute, while Postgres is away.

    It may have been committed, and only the answer lost. Raises what it raises in the end.
    """
    deadline, delay = time.monotonic() + PATIENCE_SECONDS, 0.1
    while True:
        try:
            return await act()
        except Exception as error:
            if not is_passing(error) or time.monotonic() > deadline:
                raise
            log.info("run_delayed", reason=repr(error))
        await asyncio.sleep(delay)
        delay = min(delay * 2, 5.0)


def is_passing(error: Exception) -> bool:
    """Whether Postgres was away, or had no room: the same may do later."""
    if isinstance(error, DBAPIError):
        state = str(getattr(error.orig, "sqlstate", "") or "")
        return error.connection_invalidated or state.startswith(_PASSING)
    return isinstance(error, PoolTimeout | OSError)
