"""The live logs of runs as a store of personal data: keys in Valkey that bear a run's id alone."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import now
from app.core.db import SYSTEM
from app.core.kernel import Kernel
from app.oversight.privacy.people import Person
from app.oversight.privacy.stores import Entry, Tally, no_entries
from app.runs.events.log import channel
from app.runs.runs.crud import PAUSED, request_cancel
from app.runs.runs.models import UNFINISHED, Run

PAGE = 500
PATIENCE_SECONDS = 20.0
# A log has its end a moment after the run's row; where its process died between, it never has.
LATEST_END = timedelta(seconds=3)


class RunsStillGoing(Exception):
    """Runs of the person that did not end in time; their logs may still be written."""


class RunLogStore:
    """Ends a person's runs and removes their logs; the kept events are rows of Postgres."""

    name = "run logs"

    def __init__(self, kernel: Kernel) -> None:
        self._database = kernel.database
        self._valkey = kernel.valkey

    def export(self, person: Person) -> AsyncIterator[Entry]:  # noqa: ARG002
        return no_entries()

    async def erase(self, person: Person, tally: Tally) -> None:
        await self._end_runs(person)
        while await self._awaits_ends(person):  # noqa: ASYNC110 - Valkey says it
            await asyncio.sleep(0.05)
        deleted = 0
        async for keys in self._keys(person):
            deleted += await self._valkey.unlink(*keys)
        if deleted:
            await tally.add(f"valkey/{self.name}", "deleted", deleted)

    async def left(self, person: Person) -> int:
        return sum([await self._valkey.exists(*keys) async for keys in self._keys(person)])

    async def _end_runs(self, person: Person) -> None:
        """Cancel what is under way, and wait for its end; raises RunsStillGoing."""
        unfinished = _about(person) & Run.status.in_((*UNFINISHED, PAUSED))
        async with self._database.unit(SYSTEM) as session:
            await request_cancel(session, _about(person))
        deadline = time.monotonic() + PATIENCE_SECONDS
        while await self._count(unfinished):
            if time.monotonic() > deadline:
                raise RunsStillGoing
            await asyncio.sleep(0.2)

    async def _awaits_ends(self, person: Person) -> bool:
        """Whether a log may still get its run's end, and with it all that came before."""
        just_now = _about(person) & (Run.ended_at > now() - LATEST_END)
        async with self._database.unit(SYSTEM) as session:
            ids = [*await session.scalars(select(Run.id).where(just_now))]
        async with self._valkey.pipeline(transaction=False) as pipeline:
            for run_id in ids:
                pipeline.hexists(f"{channel(run_id)}:meta", "ended")
            return not all(await pipeline.execute())

    async def _count(self, rule: ColumnElement[bool]) -> int:
        async with self._database.unit(SYSTEM) as session:
            return await session.scalar(select(func.count()).select_from(Run).where(rule)) or 0

    async def _keys(self, person: Person) -> AsyncIterator[list[str]]:
        after: UUID | None = None
        while True:
            async with self._database.unit(SYSTEM) as session:
                ids = await _ids(session, person, after)
            if not ids:
                return
            yield [f"{channel(run_id)}:{half}" for run_id in ids for half in ("meta", "log")]
            after = ids[-1]


async def _ids(session: AsyncSession, person: Person, after: UUID | None) -> list[UUID]:
    statement = select(Run.id).where(_about(person)).order_by(Run.id).limit(PAGE)
    if after is not None:
        statement = statement.where(Run.id > after)
    return [*await session.scalars(statement)]


def _about(person: Person) -> ColumnElement[bool]:
    return or_(Run.user_id == person.user_id, Run.workspace_id.in_(person.workspaces))
