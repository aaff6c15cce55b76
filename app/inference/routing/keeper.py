"""What runs beside the router: telling other processes, and storing what was learned."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from app.core.db import Database, Scope
from app.core.log import get_logger
from app.core.tasks import stop_tasks
from app.inference.routing import crud
from app.inference.routing.adaptive.learner import Gains, Learner, Task
from app.inference.routing.gossip import Gossip

log = get_logger(__name__)

GOSSIP_SECONDS: Final = 1.0
STORE_SECONDS: Final = 2.0
CLOSE_SECONDS: Final = 3.0
STORE_ERRORS = (SQLAlchemyError, RedisError, OSError, TimeoutError)


class Keeper:
    """Two loops for as long as it is open; what was learned is stored once more at the end."""

    def __init__(self, database: Database, learner: Learner, gossip: Gossip) -> None:
        self._database = database
        self._learner = learner
        self._gossip = gossip
        self._tasks: list[asyncio.Task[None]] = []
        self._storing = asyncio.Lock()

    def start(self) -> None:
        self._tasks = [
            asyncio.create_task(_again(GOSSIP_SECONDS, self._gossip.tick), name="routing gossip"),
            asyncio.create_task(_again(STORE_SECONDS, self.store), name="routing learning"),
        ]

    async def close(self) -> None:
        """Store what was learned and take leave, for a bounded time."""
        await stop_tasks(self._tasks)
        with suppress(*STORE_ERRORS):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.store()
                await self._gossip.leave()

    async def store(self) -> None:
        """Bring everything learned so far into Postgres."""
        async with self._storing:
            taken = self._learner.take()
            for task, gains in taken.items():
                try:
                    await self._add(task, gains)
                except BaseException as error:
                    self._learner.put_back(task, gains)
                    if not isinstance(error, STORE_ERRORS):
                        raise
                    log.warning(
                        "route_learning_not_stored", route=str(task.route_id), error=repr(error)
                    )
                else:
                    self._learner.stored(gains)

    async def _add(self, task: Task, gains: Gains) -> None:
        learned = [{"deployment": name} | arm.values() for name, arm in gains.arms.items()]
        async with self._database.unit(Scope(workspace_id=gains.workspace_id)) as session:
            await crud.add_to_arms(session, gains.workspace_id, task, gains.left, learned)


async def _again(seconds: float, act: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await act()
        except STORE_ERRORS as error:
            log.warning("routing_upkeep_failed", error=repr(error))
