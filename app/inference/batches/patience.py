"""A batch has time: while Postgres or Valkey is away it waits, and does not fail."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from redis.exceptions import RedisError

from app.core.db import AsyncSession, Database
from app.core.log import get_logger
from app.runs.runs.context import RunContext
from app.runs.runs.patience import is_passing
from app.runs.runs.service import expect_held

T = TypeVar("T")

log = get_logger(__name__)

PATIENCE_SECONDS: Final = 900.0
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0


class Store:
    """Postgres, for the works of one process."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def unit(
        self, ctx: RunContext, work: Callable[[AsyncSession], Awaitable[T]], *, held: bool = False
    ) -> T:
        """Do this in a transaction; it must do the same when it is done again.

        With `held` only while the run is this process's; raises RunLost.
        """

        async def once() -> T:
            async with self._database.unit(ctx.scope) as session:
                if held:
                    await expect_held(session, ctx.workspace_id, ctx.run_id, ctx.attempt)
                return await work(session)

        return await patiently(once)


async def patiently(work: Callable[[], Awaitable[T]]) -> T:
    """Do this again as long as a store is away, for a quarter of an hour; raises what stays."""
    deadline, pause = time.monotonic() + PATIENCE_SECONDS, FIRST_PAUSE
    while True:
        try:
            return await work()
        except Exception as error:
            if not is_away(error) or time.monotonic() > deadline:
                raise
            log.warning("batch_waits_for_a_store", reason=repr(error))
        await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - a draw, not a secret
        pause = min(pause * 2, LONGEST_PAUSE)


def is_away(error: Exception) -> bool:
    return isinstance(error, RedisError) or is_passing(error)
