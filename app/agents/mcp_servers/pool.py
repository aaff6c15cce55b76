"""The sessions of a process: one for each server and credential, shared by all runs."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from app.agents.mcp_servers.linking import Link, ServerDown
from app.agents.mcp_servers.plans import Plan
from app.core.outbound import Outbound

IDLE_SECONDS: Final = 300.0
LOOK_SECONDS: Final = 15.0
MOST_LINKS: Final = 64
T = TypeVar("T")


class Links:
    """Opens sessions when they are asked for, and closes those that nobody used for a while."""

    def __init__(self, outbound: Outbound, *, idle_seconds: float = IDLE_SECONDS) -> None:
        self._outbound = outbound
        self._idle_seconds = idle_seconds
        self._links: dict[str, Link] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._looking: asyncio.Task[None] | None = None

    async def close(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
        links, self._links = list(self._links.values()), {}
        for task in self._leaving:
            task.cancel()
        await asyncio.gather(*(link.close() for link in links))
        await asyncio.gather(*self._leaving, return_exceptions=True)

    async def using(self, plan: Plan, act: Callable[[Link], Awaitable[T]]) -> T:
        """Do this in the session; once more in a new one where the old one was of no use any more.

        Raises ServerDown, and what `act` raises.
        """
        link, known = self._link(plan)
        try:
            return await act(link)
        except ServerDown as error:
            # A server that was started anew knows nothing of our session: that is no failure.
            if not (known and error.again):
                raise
        return await act(self._link(plan)[0])

    def forget(self, plan: Plan) -> None:
        """Take no more calls in this session."""
        link = self._links.pop(plan.key, None)
        if link is not None:
            self._leave(link)

    def count(self) -> int:
        return sum(not link.retired for link in self._links.values())

    def _link(self, plan: Plan) -> tuple[Link, bool]:
        """The session, and whether it was there already."""
        link = self._links.get(plan.key)
        if link is not None and not link.retired:
            return link, True
        if link is not None:
            self.forget(plan)
        self._make_room()
        made = self._links[plan.key] = Link(self._outbound, plan)
        if self._looking is None:
            self._looking = asyncio.create_task(self._look(), name="mcp-links")
        return made, False

    def _make_room(self) -> None:
        if len(self._links) < MOST_LINKS:
            return
        idle = [link for link in self._links.values() if link.calls == 0]
        if not idle:
            raise ServerDown("too many MCP servers are in use by this process", again=False)
        self.forget(min(idle, key=lambda link: link.used).plan)

    def _leave(self, link: Link) -> None:
        link.retired = True
        task = asyncio.create_task(link.leave())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(min(LOOK_SECONDS, self._idle_seconds))
            moment = time.monotonic()
            for link in list(self._links.values()):
                idle = link.calls == 0 and moment - link.used > self._idle_seconds
                if link.retired or idle:
                    self.forget(link.plan)
