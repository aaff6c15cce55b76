"""What a run waits for: kept in Postgres, so that it may come while no process holds the run."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from app.automation.engine import waits_crud
from app.automation.engine.course import Begin
from app.automation.engine.keeping import Hold
from app.automation.engine.models import WorkflowWait
from app.automation.engine.parking import Parking
from app.automation.engine.steps import UNDO, Place
from app.automation.nodes.node_type import Awaited, Given, StepFault
from app.core.clock import now
from app.core.db import AsyncSession, Database, Scope
from app.core.ids import new_id
from app.runs.runs.patience import patiently
from app.runs.runs.service import expect_held

# Unasked, in case a nudge was lost.
LOOK_SECONDS: Final = 5.0
# What ends within this time is waited for without letting go of the run.
SOON_SECONDS: Final = 5.0
# How long a step that is stopped may take to say what it has begun to wait for.
OPENING_SECONDS: Final = 2.5
Cancel = Callable[[AsyncSession, UUID, UUID], Awaitable[None]]
"""Cancels another run of a workspace, once the transaction commits."""


class Waits:
    """The waits of one run, in the process that holds it."""

    def __init__(
        self,
        database: Database,
        hold: Hold,
        user_id: UUID,
        parking: Parking,
        known: Iterable[WorkflowWait],
        cancel: Cancel,
    ) -> None:
        self._database = database
        self._hold = hold
        self._user_id = user_id
        self._parking = parking
        self._known: dict[Place, WorkflowWait] = {(each.path, each.attempt): each for each in known}
        self._cancel = cancel
        self._changed: dict[UUID, asyncio.Event] = {}

    @property
    def any(self) -> bool:
        """Whether the run has waited for anything."""
        return bool(self._known)

    async def waited(
        self, place: Place, node_id: str, begin: Begin
    ) -> Given | Mapping[str, Any] | None:
        wait = self._known.get(place)
        if wait is None:
            begun = await self._begun(place, node_id, begin)
            if isinstance(begun, Given):
                return begun
            wait = begun
        return await self._brought(wait)

    def status(self, place: Place) -> str | None:
        wait = self._known.get(place)
        return wait.status if wait is not None else None

    async def stop(self, place: Place) -> bool:
        wait = self._known.get(place)
        if wait is None:
            return True
        if wait.status == waits_crud.OPEN:
            hold = self._hold

            async def end() -> str | None:
                async with self._unit() as session:
                    await expect_held(session, hold.workspace_id, hold.run_id, hold.attempt)
                    await waits_crud.bring(session, hold.workspace_id, wait.id, {})
                    return await waits_crud.stand(session, hold.workspace_id, wait.id)

            with self._parking.working():
                wait.status = await patiently(end) or wait.status
        return wait.status == "brought"

    async def abandon(self, *prefixes: str, nodes: Collection[str] | None = None) -> None:
        left = [
            wait
            for wait in self._known.values()
            if wait.status == waits_crud.OPEN
            and wait.path.startswith(prefixes)
            and (nodes is None or wait.node_id in nodes)
            and UNDO not in wait.path
        ]
        if not left:
            return
        hold = self._hold

        async def close() -> None:
            async with self._unit() as session:
                await expect_held(session, hold.workspace_id, hold.run_id, hold.attempt)
                found = await waits_crud.abandon(
                    session, hold.workspace_id, [wait.id for wait in left]
                )
                for run_id in found:
                    await self._cancel(session, hold.workspace_id, run_id)

        with self._parking.working():
            await patiently(close)
        for wait in left:
            wait.status = "closed"

    async def keep(self, place: Place, until: datetime) -> None:
        """Have the run woken at a moment, though no step waits for it."""
        if place not in self._known:
            await self._open(place, "", Awaited("time", until))

    async def _begun(self, place: Place, node_id: str, begin: Begin) -> Given | WorkflowWait:
        """What is waited for, kept also where the step is stopped while it begins.

        Else nobody would know of a run that it has started.
        """
        opening = asyncio.ensure_future(self._opened(place, node_id, begin))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            late = time.monotonic() + OPENING_SECONDS
            while not opening.done() and time.monotonic() < late:
                with suppress(asyncio.CancelledError):
                    await asyncio.wait({opening}, timeout=OPENING_SECONDS)
            if not opening.cancel() and not opening.cancelled():
                opening.exception()
            raise

    async def _opened(self, place: Place, node_id: str, begin: Begin) -> Given | WorkflowWait:
        with self._parking.working():
            awaited = await begin()
        if isinstance(awaited, Given):
            return awaited
        return await self._open(place, node_id, awaited)

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
            "status": waits_crud.OPEN,
            "subject": awaited.subject,
            "match": awaited.match,
            "assignees": shown.pop("assignees", None) or [],
            "shown": shown,
            "until": awaited.until,
        }

        async def open_it() -> WorkflowWait:
            async with self._unit() as session:
                return await waits_crud.open_wait(session, values)

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
        while (current := self._known[wait.path, wait.attempt]).status == waits_crud.OPEN:
            changed.clear()
            left = _left(current.until)
            if left is not None and left <= 0:
                await self._expire(current)
                continue
            soon = left is not None and left <= SOON_SECONDS
            parking = self._parking
            with parking.working() if soon else parking.waiting(current.kind, current.id):
                try:
                    async with asyncio.timeout(left):
                        await changed.wait()
                except TimeoutError:
                    pass
        if current.status == "closed":
            raise StepFault("abandoned", "The run had ceased to wait for this.")
        return current.brought if current.status == "brought" else None

    async def look(self) -> None:
        """Take notice of what has come to Postgres."""
        if not self._changed:
            return
        async with self._unit() as session:
            found = await waits_crud.waits(session, self._hold.workspace_id, self._hold.run_id)
        for wait in found:
            before = self._known.get((wait.path, wait.attempt))
            self._known[wait.path, wait.attempt] = wait
            if before is not None and before.status != wait.status and wait.id in self._changed:
                self._changed[wait.id].set()

    async def _expire(self, wait: WorkflowWait) -> None:
        """The time of a wait is over: a run that takes longer than its step may is cancelled."""
        workspace_id = self._hold.workspace_id

        async def expire() -> None:
            async with self._unit() as session:
                for run_id in await waits_crud.expire_wait(session, workspace_id, wait.id):
                    await self._cancel(session, workspace_id, run_id)
            await self.look()

        with self._parking.working():
            await patiently(expire)

    def _unit(self) -> Any:
        return self._database.unit(Scope(self._hold.workspace_id))


def _left(until: datetime | None) -> float | None:
    return None if until is None else (until - now()).total_seconds()
