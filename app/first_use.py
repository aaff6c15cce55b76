"""The rooms above inference, opened with their first use.

A service that is asked for the gateway alone never loads them. They are opened by the first request
to one of them, and by what they keep in Postgres, whoever has written it: rows, and runs to take
up.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from importlib import import_module
from typing import Final

from starlette.datastructures import State

from app.automation.concerns import TO_TRIGGERS, TO_WAITS
from app.automation.engine.driving import Driver
from app.core.db import SYSTEM, AsyncSession, Base
from app.core.filled import any_filled, tables_beside
from app.core.jobs import Jobs
from app.core.kernel import Kernel
from app.core.late import Late
from app.core.log import get_logger
from app.core.outbox import Event, Subscriber
from app.core.tasks import stop_tasks
from app.identity.workspaces import service as workspaces
from app.inference.inference import Inference
from app.knowledge.storage.files import Files
from app.runs.runs.bundle import Runs

log = get_logger(__name__)

LOOK_SECONDS: Final = 15.0
# What is open from the start; every other room and domain is opened later.
LOWER: Final = ("app.core.", "app.oversight.audit.", "app.identity.", "app.runs.", "app.inference.")
# Tables of what is open from the start, whose models are not loaded with it.
UNLOADED: Final = {
    *("feedback", "service_accounts", "shares"),
    *("scim_group_members", "scim_groups", "scim_tokens", "scim_users"),
}
# Who of these rooms is told what happens, and of which events.
SUBSCRIBERS: Final = {"workflow-waits": TO_WAITS, "workflow-triggers": TO_TRIGGERS}


@dataclass(frozen=True, slots=True)
class Lower:
    """What the rooms above stand on. `state` is the application's.

    What they open goes onto `beneath`, which is closed after the runs have stopped, and what
    carries runs out onto `above`, which is closed before.
    """

    state: State
    kernel: Kernel
    files: Files
    inference: Inference
    driver: Driver
    runs: Runs
    jobs: Jobs
    beneath: AsyncExitStack
    above: AsyncExitStack


class UpperRooms:
    """They are in the application's state once they are open."""

    def __init__(self, lower: Lower) -> None:
        self._late = Late(self._open)
        self._lower = lower
        self._watching: asyncio.Task[None] | None = None

    def subscribers(self) -> tuple[Subscriber, ...]:
        return tuple(LateSubscriber(self, *each) for each in SUBSCRIBERS.items())

    @property
    def is_open(self) -> bool:
        return self._late.is_open

    async def opened(self) -> None:
        """Open them if they are not; raises what that raises, and whoever asks next tries again."""
        await self._late.opened()

    async def begin(self) -> None:
        """Open them where they have something to do by now, and else look again and again."""
        if self._lower.driver.elsewhere is not None or await self.is_wanted():
            await self.opened()
        else:
            self._watching = asyncio.create_task(self._watch(), name="upper rooms")

    async def close(self) -> None:
        await stop_tasks([self._watching])
        await self._late.close()

    async def is_wanted(self) -> bool:
        """Whether anything waits for them in Postgres."""
        kernel, recovery = self._lower.kernel, self._lower.runs.recovery
        if len(kernel.vault.keys.all) > 1:
            # A rotation has to go through the tables of all rooms.
            return True
        async with kernel.database.unit(SYSTEM) as session:
            return (
                await any_filled(session, await tables_beside(session, _lower_tables()))
                or await recovery.others_wait(session)
                or await workspaces.any_deleted(session)
            )

    async def _watch(self) -> None:
        """Another process may have been asked for them, and have died since."""
        while not self.is_open:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                if self.is_open or await self.is_wanted():
                    await self.opened()
            except Exception as error:  # noqa: BLE001 - the next look may do better
                log.warning("upper_rooms_not_opened", reason=repr(error))

    async def subscriber(self, name: str) -> Subscriber:
        """One of theirs, which are opened for it."""
        await self.opened()
        told: Sequence[Subscriber] = self._lower.state.automation.subscribers
        return next(each for each in told if each.name == name)

    async def _open(self) -> None:
        # In a thread: it takes a second, in which others are served.
        module = await asyncio.to_thread(import_module, "app.upper")
        await module.open_upper(self._lower)
        log.info("upper_rooms_opened")


class LateSubscriber:
    """A subscriber of these rooms, by its name: an event that concerns one opens them."""

    def __init__(self, rooms: UpperRooms, name: str, concerned: str) -> None:
        self.name = name
        self.concerned = concerned
        self._rooms = rooms

    async def on_events(self, session: AsyncSession, events: Sequence[Event]) -> None:
        subscriber = await self._rooms.subscriber(self.name)
        await subscriber.on_events(session, events)


def _lower_tables() -> set[str]:
    return UNLOADED | {
        mapper.class_.__tablename__
        for mapper in Base.registry.mappers
        if mapper.class_.__module__.startswith(LOWER)
    }
