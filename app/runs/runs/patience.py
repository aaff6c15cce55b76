"""Going on where Postgres or Valkey was away for a moment."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeout
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.core.log import get_logger

log = get_logger(__name__)

PATIENCE_SECONDS: Final = 60.0
# Connection lost, no writes taken, serialization or deadlock, out of resources, server going down.
_PASSING: Final = ("08", "25006", "40", "53", "57")
Result = TypeVar("Result")


async def patiently(
    act: Callable[[], Awaitable[Result]], seconds: float = PATIENCE_SECONDS
) -> Result:
    """What a transaction gives that bears being tried again for so long while Postgres is away.

    It may have been committed, and only the answer lost. Raises what it raises in the end.
    """
    deadline, delay = time.monotonic() + seconds, 0.1
    while True:
        try:
            return await act()
        except Exception as error:
            if not is_passing(error) or time.monotonic() > deadline:
                raise
            log.info("run_delayed", reason=repr(error))
        await asyncio.sleep(delay)
        delay = min(delay * 2, 5.0)


def is_cut_off(error: BaseException) -> bool:
    """Whether Postgres or Valkey was away from work that needs it: no fault of its own."""
    if isinstance(error, RedisConnectionError | RedisTimeout):
        return True
    is_of_postgres = isinstance(error, DBAPIError | PoolTimeout | ConnectionError)
    return is_of_postgres and is_passing(error)


def is_passing(error: BaseException) -> bool:
    """Whether Postgres was away, or had no room: the same may do later."""
    if isinstance(error, DBAPIError):
        state = str(getattr(error.orig, "sqlstate", "") or "")
        return error.connection_invalidated or state.startswith(_PASSING)
    return isinstance(error, PoolTimeout | OSError)
