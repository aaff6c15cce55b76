"""What wakes runs whose wait is over: the clock, runs that have ended, and events."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from app.automation.concerns import TO_WAITS
from app.automation.engine import cache_crud, crud, turns_crud, waits_crud
from app.automation.engine.known import readable
from app.automation.engine.models import WorkflowRun, WorkflowWait
from app.automation.engine.plans import Plans
from app.automation.engine.turns import Turns
from app.automation.language.expressions import MATCH_TURNS, evaluate
from app.automation.nodes.node_type import StepFault
from app.core.clock import now
from app.core.db import SYSTEM, AsyncSession, Database
from app.core.jobs import Job
from app.core.log import get_logger
from app.core.outbox import Event
from app.runs.runs.bundle import Runs
from app.runs.runs.models import Run

log = get_logger(__name__)

DUE: Final = "workflow-waits"
AT_ONCE: Final = 200
Place = tuple[UUID, str, str | None]
"""A workspace, a kind of wait, and what is waited for."""


class Waking:
    """`runs` is set once runs are carried out here."""

    name = DUE
    concerned = TO_WAITS
    runs: Runs

    def __init__(self, database: Database, turns: Turns, plans: Plans) -> None:
        self._database = database
        self._turns = turns
        self._plans = plans

    def jobs(self) -> tuple[Job, ...]:
        return (
            Job(DUE, timedelta(seconds=1), self.run),
            Job("workflow-turns", timedelta(seconds=15), self.find_forgotten),
            Job("workflow-step-cache", timedelta(hours=1), self._purge_cache),
        )

    async def run(self) -> None:
        """Wake what is due, and bring ended runs to those who wait for them."""
        at = now()
        any_due, any_ended = await waits_crud.any_over(self._database, at)
        if any_due:
            async with self._database.unit(SYSTEM) as session:
                for workspace_id, run_id in await waits_crud.due(session, at, AT_ONCE):
                    await self.runs.wake(session, workspace_id, run_id)
        if any_ended:
            async with self._database.unit(SYSTEM) as session:
                for wait, run in await waits_crud.awaited_runs(session, AT_ONCE):
                    await self._bring(session, wait, _ended(run))

    async def find_forgotten(self) -> None:
        """Wake whose turn has come while the process that was to tell them died."""
        async with self._database.unit(SYSTEM) as session:
            for row in await turns_crud.left_behind(session, AT_ONCE):
                await self._let_go(session, row)
        async with self._database.unit(SYSTEM) as session:
            found = await turns_crud.forgotten(session, AT_ONCE)
        for workspace_id, run_id in found:
            async with self._database.unit(SYSTEM) as session:
                await self.runs.wake(session, workspace_id, run_id)

    async def _let_go(self, session: AsyncSession, row: WorkflowRun) -> None:
        """Free the place of a run that has ended without that."""
        await crud.end(session, row.workspace_id, row.id, now())
        for child in await waits_crud.close_waits(session, row.workspace_id, row.id):
            await self._turns.cancel(session, row.workspace_id, child)
        await self._turns.make_room(session, readable(self._plans, row), row)

    async def on_events(self, session: AsyncSession, events: Sequence[Event]) -> None:
        """Bring events, and runs that have ended, to the steps that wait for them."""
        wanted = {place for event in events for place in _places(event)}
        waiting: dict[Place, list[WorkflowWait]] = {}
        for wait in await waits_crud.waits_for(session, wanted):
            waiting.setdefault((wait.workspace_id, wait.kind, wait.subject), []).append(wait)
        for event in events:
            for place in _places(event):
                for wait in waiting.get(place, ()):
                    await self._hear(session, wait, event)

    async def _hear(self, session: AsyncSession, wait: WorkflowWait, event: Event) -> None:
        if wait.kind == "run":
            run = await waits_crud.awaited_run(session, wait)
            if run is not None:
                await self._bring(session, wait, _ended(run))
            return
        told = {"id": str(event.id), "type": event.type, "data": dict(event.data)}
        if _matches(wait, told):
            await self._bring(session, wait, told)

    async def _bring(
        self, session: AsyncSession, wait: WorkflowWait, brought: dict[str, Any]
    ) -> None:
        # The run's row first, as everywhere: whoever ends the run holds it and closes its waits.
        await self.runs.wake(session, wait.workspace_id, wait.run_id)
        await waits_crud.bring(session, wait.workspace_id, wait.id, brought)

    async def _purge_cache(self) -> None:
        async with self._database.unit(SYSTEM) as session:
            await cache_crud.purge(session)


def _places(event: Event) -> list[Place]:
    """What an event is waited for as."""
    places: list[Place] = [(event.workspace_id, "event", event.type)]
    if event.type.partition(".")[0].endswith("_run") and event.subject_id is not None:
        places.append((event.workspace_id, "run", str(event.subject_id)))
    return places


def _ended(run: Run) -> dict[str, Any]:
    """A run that has ended, as the step that waited for it is told."""
    return {
        "run_id": str(run.id),
        "status": run.status,
        "result": run.result,
        "error": run.error,
        "input_tokens": run.input_tokens,
        "output_tokens": run.output_tokens,
        "cost_usd": None if run.cost_usd is None else str(run.cost_usd),
    }


def _matches(wait: WorkflowWait, event: dict[str, Any]) -> bool:
    if wait.match is None:
        return True
    try:
        return evaluate(wait.match, {"event": event}, MATCH_TURNS) is True
    except StepFault as fault:
        # An event without what is asked of it is not the one.
        log.debug("workflow_event_not_matched", wait_id=str(wait.id), reason=fault.message)
        return False
