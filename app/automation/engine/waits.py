"""What a run waits for: kept in Postgres, so that it may come while no process holds the run."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from app.automation.engine import crud
from app.automation.engine.course import Begin
from app.automation.engine.keeping import Hold
from app.automation.engine.models import WorkflowWait
from app.automation.engine.parking import Parking
from app.automation.engine.patience import patiently
from app.automation.engine.steps import Place
from app.automation.nodes.node_type import Awaited, Given
from app.core.clock import now
from app.core.db import Database, Scope
from app.core.ids import new_id

# Unasked, in case a nudge was lost.
LOOK_SECONDS: Final = 5.0
# What ends within this time is waited for without letting go of the run.
SOON_SECONDS: Final = 5.0


class Waits:
    """The waits of one run, in the process that holds it."""

    def __init__(
        self,
        database: Database,
        hold: Hold,
        user_id: UUID,
        parking: Parking,
        known: Iterable[WorkflowWait],
    ) -> None:
        self._database = database
        self._hold = hold
        self._user_id = user_id
        self._parking = parking
        self._known: dict[Place, WorkflowWait] = {(each.path, each.attempt): each for each in known}
        self._changed: dict[UUID, asyncio.Event] = {}

    @property
    def awaited(self) -> list[UUID]:
        """Those that keep a step from going on."""
        return list(self._changed)

    @property
    def any(self) -> bool:
        """Whether the run has waited for anything."""
        return bool(self._known)

    async def waited(
        self, place: Place, node_id: str, begin: Begin
    ) -> Given | Mapping[str, Any] | None:
        wait = self._known.get(place)
        if wait is None:
            with self._parking.working():
                awaited = await begin()
            if isinstance(awaited, Given):
                return awaited
            wait = await self._open(place, node_id, awaited)
        return await self._brought(wait)

    async def keep(self, place: Place, until: datetime) -> None:
        """Have the run woken at a moment, though no step waits for it."""
        if place not in self._known:
            await self._open(place, "", Awaited("time", until))

    async def _open(self, place: Place, node_id: str, awaited: Awaited) -> WorkflowWait:
        """Keep that the run waits for something at a place."""
        path, attempt = place
        shown = dict(awaited.shown)
        values = {
            "id": new_id(),
            "workspace_id": self._hold.workspace_id,
            "run_id": self._hold.run_id,
            "user_id": self._user_id,
            "path": path,
            "attempt": attempt,
            "node_id": node_id,
            "kind": awaited.kind,
            "status": crud.OPEN,
            "subject": awaited.subject,
            "match": awaited.match,
            "assignees": shown.pop("assignees", None) or [],
            "shown": shown,
            "until": awaited.until,
        }

        async def open_it() -> WorkflowWait:
            async with self._unit() as session:
                return await crud.open_wait(session, values)

        with self._parking.working():
            wait = await patiently(open_it)
        self._known[place] = wait
        return wait

    async def _brought(self, wait: WorkflowWait) -> Mapping[str, Any] | None:
        """What has come; None where its time was over first."""
        changed = self._changed[wait.id] = asyncio.Event()
        try:
            return await self._come(wait, changed)
        finally:
            del self._changed[wait.id]

    async def _come(self, wait: WorkflowWait, changed: asyncio.Event) -> Mapping[str, Any] | None:
        while (current := self._known[wait.path, wait.attempt]).status == crud.OPEN:
            changed.clear()
            left = _left(current.until)
            if left is not None and left <= 0:
                await self._expire(current)
                continue
            soon = left is not None and left <= SOON_SECONDS
            with self._parking.working() if soon else self._parking.waiting(current.kind):
                try:
                    async with asyncio.timeout(left):
                        await changed.wait()
                except TimeoutError:
                    pass
        return current.brought if current.status == "brought" else None

    async def look(self) -> None:
        """Take notice of what has come to Postgres."""
        if not self._changed:
            return
        async with self._unit() as session:
            found = await crud.waits(session, self._hold.workspace_id, self._hold.run_id)
        for wait in found:
            before = self._known.get((wait.path, wait.attempt))
            self._known[wait.path, wait.attempt] = wait
            if before is not None and before.status != wait.status and wait.id in self._changed:
                self._changed[wait.id].set()

    async def _expire(self, wait: WorkflowWait) -> None:
        async def expire() -> None:
            async with self._unit() as session:
                await crud.expire_wait(session, self._hold.workspace_id, wait.id)
            await self.look()

        with self._parking.working():
            await patiently(expire)

    def _unit(self) -> Any:
        return self._database.unit(Scope(self._hold.workspace_id))


def _left(until: datetime | None) -> float | None:
    return None if until is None else (until - now()).total_seconds()
