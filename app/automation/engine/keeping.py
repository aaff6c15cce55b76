"""Keeping steps in Postgres: those that end at about the same time share one transaction."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from typing import Any, Final
from uuid import UUID

from app.automation.engine import crud
from app.automation.engine.steps import Step
from app.core.db import AsyncSession, Database, Scope
from app.core.ids import new_id
from app.core.tasks import stop_tasks
from app.runs.events.errors import RunLost
from app.runs.runs.patience import is_passing, patiently
from app.runs.runs.service import expect_held

MOST_TOGETHER: Final = 200
_FIELDS: Final = tuple(each.name for each in fields(Step))


@dataclass(frozen=True, slots=True)
class Hold:
    """The run whose steps are kept, and which attempt at it this process makes."""

    workspace_id: UUID
    run_id: UUID
    attempt: int


@dataclass(frozen=True, slots=True)
class _Wish:
    hold: Hold
    step: Step
    kept: asyncio.Future[Step]


class Checkpoints:
    """One a process. While a transaction is under way, what comes meanwhile waits for the next."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._wishes: dict[UUID, list[_Wish]] = {}
        self._writers: dict[UUID, asyncio.Task[None]] = {}

    async def close(self) -> None:
        await stop_tasks(list(self._writers.values()))

    async def keep(self, hold: Hold, step: Step) -> Step:
        """Keep a step; returns what stands at its place, which an earlier process may have kept.

        Raises RunLost where another attempt at the run has begun. While Postgres is away it is
        tried again for a minute.
        """
        wish = _Wish(hold, step, asyncio.get_running_loop().create_future())
        workspace = hold.workspace_id
        self._wishes.setdefault(workspace, []).append(wish)
        if workspace not in self._writers:
            writing = asyncio.create_task(self._write(workspace), name="workflow-checkpoints")
            self._writers[workspace] = writing
        return await wish.kept

    async def _write(self, workspace: UUID) -> None:
        try:
            while wishes := self._wishes.pop(workspace, []):
                self._wishes[workspace] = wishes[MOST_TOGETHER:]
                await self._write_some(workspace, wishes[:MOST_TOGETHER])
        finally:
            self._writers.pop(workspace, None)
            for wish in self._wishes.pop(workspace, []):
                wish.kept.cancel()

    async def _write_some(self, workspace: UUID, wishes: Sequence[_Wish]) -> None:
        try:
            kept = await self._committed(workspace, wishes)
        except Exception as error:  # noqa: BLE001 - told to those who wait for it
            if len(wishes) == 1 or is_passing(error):
                for wish in wishes:
                    _tell(wish, error)
            else:  # one that cannot be written fails alone
                for wish in wishes:
                    await self._write_some(workspace, [wish])
            return
        for wish in wishes:
            _tell(wish, kept.get((wish.hold.run_id, *wish.step.place)) or RunLost())

    async def _committed(
        self, workspace: UUID, wishes: Sequence[_Wish]
    ) -> dict[tuple[UUID, str, int], Step]:
        """What stands at each place now; a place that is missing was not ours to write."""
        rows = [_row(wish) for wish in wishes]

        async def written() -> dict[tuple[UUID, str, int], Step]:
            kept: dict[tuple[UUID, str, int], Step] = {}
            async with self._database.unit(Scope(workspace)) as session:
                places = await crud.keep_steps(session, rows)
                for wish in wishes:
                    place = (wish.hold.run_id, *wish.step.place)
                    if place in places:
                        kept[place] = wish.step
                    else:
                        kept |= await self._standing(session, wish)
            return kept

        return await patiently(written)

    async def _standing(
        self, session: AsyncSession, wish: _Wish
    ) -> dict[tuple[UUID, str, int], Step]:
        """What an earlier attempt at the run kept there, where this one still holds the run."""
        hold, place = wish.hold, wish.step.place
        found: Step | None = None
        with suppress(RunLost):
            await expect_held(session, hold.workspace_id, hold.run_id, hold.attempt)
            found = await crud.step_at(session, hold.workspace_id, hold.run_id, place)
        return {(hold.run_id, *place): found} if found is not None else {}


def _tell(wish: _Wish, outcome: Step | Exception) -> None:
    if wish.kept.done():
        return
    if isinstance(outcome, Step):
        wish.kept.set_result(outcome)
    else:
        wish.kept.set_exception(outcome)


def _row(wish: _Wish) -> dict[str, Any]:
    hold = wish.hold
    return {
        "id": new_id(),
        "workspace_id": hold.workspace_id,
        "run_id": hold.run_id,
        "run_attempt": hold.attempt,
        **{name: getattr(wish.step, name) for name in _FIELDS},
    }
