"""The work of a workflow's run: walk its graph, let go while it only waits, leave its result."""

import asyncio
from collections.abc import Collection, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final
from uuid import UUID

from app.agents.runtime.rights import still_held
from app.agents.runtime.work import access_told
from app.automation.engine import admission, crud, waits_crud
from app.automation.engine.compensating import still_done
from app.automation.engine.containers import beneath
from app.automation.engine.course import Course
from app.automation.engine.journal import Journal
from app.automation.engine.keeping import Checkpoints, Hold
from app.automation.engine.known import Known, readable, take_up
from app.automation.engine.models import WorkflowRun
from app.automation.engine.parking import Parking
from app.automation.engine.patience import patiently
from app.automation.engine.performing import UnderWay, follow, performed
from app.automation.engine.quieting import Quiet
from app.automation.engine.replacing import replaced_by
from app.automation.engine.sharing import Shared
from app.automation.engine.steps import Step
from app.automation.engine.telling import Log
from app.automation.engine.waits import LOOK_SECONDS, Waits
from app.automation.language.flow import Flow
from app.automation.nodes.node_type import ContainerNode
from app.automation.nodes.registry import NodeTypes
from app.core.auth import Access
from app.core.clock import now
from app.core.db import AsyncSession, Database, Scope, on_commit
from app.core.kernel import Valkey
from app.core.outbox import emit
from app.core.tasks import Background, stop_tasks
from app.inference.calls.calls import Calls
from app.runs.runs import service as runs
from app.runs.runs.bundle import Runs
from app.runs.runs.context import RunContext
from app.runs.runs.ending import is_passing
from app.runs.runs.work import Ending, Paused, Settlement

KIND: Final = "workflow_run"


class Kept:
    """A journal's steps in Postgres, for one attempt at a run."""

    def __init__(self, checkpoints: Checkpoints, hold: Hold) -> None:
        self._checkpoints = checkpoints
        self._hold = hold

    async def keep(self, step: Step) -> Step:
        return await self._checkpoints.keep(self._hold, step)


class Working:
    """Carries workflows' runs out; what has ended in one process is not done again in the next.

    `runs` is set once runs are carried out here.
    """

    kind = KIND
    most_losses = 20
    runs: Runs

    def __init__(self, database: Database, valkey: Valkey, types: NodeTypes, calls: Calls) -> None:
        self._database = database
        self._calls = calls
        self._valkey = valkey
        self._types = types
        self._checkpoints = Checkpoints(database)
        self._begun: dict[UUID, Known] = {}
        self._under_way: dict[UUID, UnderWay] = {}
        self._outputs: dict[UUID, Any] = {}
        self._background = Background()

    async def close(self) -> None:
        await self._background.close()
        await self._checkpoints.close()

    def expect(self, row: WorkflowRun, flow: Flow) -> None:
        """Hand over a new run whose turn it is, which this process will launch."""
        self._begun[row.id] = Known(row, flow)

    async def run(self, ctx: RunContext) -> None:
        """Raises Paused where only waits are left, and what the run fails with."""
        under = self._under_way[ctx.run_id] = await self._taken_up(ctx)
        parked = under.course.parking.parked
        performing = asyncio.ensure_future(performed(under))
        watching = asyncio.create_task(self._watch(under))
        try:
            await asyncio.wait({performing, parked}, return_when=asyncio.FIRST_COMPLETED)
            if performing.done():
                self._outputs[ctx.run_id] = performing.result()
                return
            paused = self._paused(under, parked.result())
        finally:
            await stop_tasks([performing, watching])
        raise paused

    async def settle(self, ctx: RunContext, session: AsyncSession, ending: Ending) -> Settlement:
        """What the run gave, and who begins in its place."""
        on_commit(session, lambda: self._forget(ctx.run_id))
        under = self._under_way.get(ctx.run_id)
        if under is not None and under.ctx is not ctx:
            under = None  # of an attempt that was lost
        row = under.row if under else await crud.get(session, ctx.workspace_id, ctx.run_id)
        if row is None or not await crud.end(session, row.workspace_id, row.id, now()):
            return Settlement()
        if under is None or under.waits.any:
            for child in await waits_crud.close_waits(session, ctx.workspace_id, ctx.run_id):
                await self._cancel(session, ctx.workspace_id, child)
        if row.concurrency_key is not None or row.rate_key is not None:
            flow = under.course.flow if under else readable(row)
            await self._make_room(session, flow, row)
        if under is not None:
            journal = under.course.journal
        else:
            steps = await crud.steps(session, ctx.workspace_id, ctx.run_id)
            journal = Journal(_Nowhere(), steps, len(steps))
        result: dict[str, Any] = {
            "output": self._outputs.get(ctx.run_id) if ending.status == "completed" else None,
            "workflow_id": str(row.workflow_id) if row.workflow_id else None,
            "workflow": row.workflow_slug,
            "workflow_version": row.workflow_version,
            "steps": len(journal.steps),
        }
        tried = under.not_undone if under is not None else ()
        if not_undone := tried or still_done(journal, ending):
            result["not_undone"] = not_undone
        await emit(
            session,
            row.workspace_id,
            f"workflow_run.{ending.status}",
            {"run_id": str(row.id), "workflow": row.workflow_slug, "status": ending.status},
            subject_id=row.id,
            user_id=row.user_id,
            depth=row.depth + 1,
        )
        read, written = journal.tokens
        return Settlement(result, read, written, journal.cost_usd)

    async def _cancel(self, session: AsyncSession, workspace_id: UUID, run_id: UUID) -> None:
        """Have another run cancelled, once the transaction commits."""
        await runs.request_cancel_of(session, workspace_id, run_id)
        self.runs.canceller(session)(run_id)

    async def _replace(self, flow: Flow, row: WorkflowRun) -> None:
        """Have older runs end, where this one is to have their place."""

        async def found() -> Sequence[UUID]:
            async with self._database.unit(Scope(row.workspace_id)) as session:
                return await replaced_by(session, flow, row)

        async def cancel(run_id: UUID) -> None:
            async with self._database.unit(Scope(row.workspace_id)) as session:
                await self._cancel(session, row.workspace_id, run_id)

        for run_id in await patiently(found):
            await patiently(partial(cancel, run_id))

    async def _make_room(self, session: AsyncSession, flow: Flow | None, row: WorkflowRun) -> None:
        """Have others begin in place of a run that ends."""
        if flow is None:
            return

        async def again() -> None:
            async with self._database.unit(Scope(row.workspace_id)) as own:
                await self._wake(own, row, await admission.next_at_end(own, flow, row))

        found = await admission.next_at_end(session, flow, row)
        woken = [await self.runs.wake_idle(session, row.workspace_id, each) for each in found]
        if not woken or not all(woken):
            # One that begins to wait does not see this end before it is committed, nor does this
            # one see that another ends, too.
            asking = partial(patiently, again)
            on_commit(session, lambda: self._background.soon("workflow_next_turn", asking))

    async def _wake(self, session: AsyncSession, row: WorkflowRun, found: Collection[UUID]) -> None:
        for run_id in sorted(found):
            await self.runs.wake(session, row.workspace_id, run_id)

    def _forget(self, run_id: UUID) -> None:
        self._under_way.pop(run_id, None)
        self._outputs.pop(run_id, None)

    async def _taken_up(self, ctx: RunContext) -> UnderWay:
        """The run with all that it did and waits for; raises Paused before its turn has come."""
        hold = Hold(ctx.workspace_id, ctx.run_id, ctx.attempt)
        if ctx.continued:
            # What a process that died had asked of models: nobody knows what was answered.
            await self._calls.settle_lost(ctx.workspace_id, ctx.run_id, "")

        async def taken() -> tuple[Known, Access]:
            async with self._database.unit(ctx.scope) as session:
                access = await still_held(session, access_told(ctx))
                return await take_up(session, ctx.workspace_id, ctx.run_id), access

        begun = self._begun.pop(ctx.run_id, None)
        known, access = (begun, access_told(ctx)) if begun else await patiently(taken)
        row, flow = known.row, known.flow
        parking = Parking()
        waiting = Waits(self._database, hold, ctx.user_id, parking, known.waits, self._cancel)
        if row.concurrency_key is not None or row.rate_key is not None:

            async def wake_others() -> None:
                async with self._database.unit(ctx.scope) as session:
                    found = await admission.next_after(session, flow, row, known.not_yet)
                    await self._wake(session, row, found)

            await patiently(wake_others)
        if known.not_yet is not None:
            if known.not_yet.until is None:
                await self._replace(flow, row)
            raise await self._queued(row, flow, waiting)
        # Of containers that had ended when their process died.
        failed = [each.place for each in known.steps if each.error and self._holds(each)]
        await waiting.abandon(*(each for place in failed for each in beneath(place)))
        quiet = Quiet(ctx)
        course = Course(
            run_id=ctx.run_id,
            workflow=row.workflow_slug,
            access=access,
            flow=flow,
            types=self._types,
            journal=Journal(Kept(self._checkpoints, hold), known.steps, flow.settings.max_steps),
            telling=Log(ctx, quiet.emit),
            parking=parking,
            waiting=waiting,
            sharing=Shared(self._database, self._valkey, ctx.workspace_id, ctx.user_id),
            text=quiet.text,
            depth=row.depth,
            workflow_id=row.workflow_id,
        )
        under = UnderWay(row, course, waiting, ctx)
        follow(under, row)
        return under

    def _holds(self, step: Step) -> bool:
        """Whether it is the end of a container."""
        return isinstance(self._types.find(step.node_type), ContainerNode)

    async def _queued(self, row: WorkflowRun, flow: Flow, waiting: Waits) -> Paused:
        if row.deadline_at is not None:
            await waiting.keep(("~deadline", 0), row.deadline_at)

        async def waits(session: AsyncSession) -> bool:
            current = await crud.get(session, row.workspace_id, row.id)
            if current is None or current.stopped_at is not None:
                return False
            return await admission.still_waits(session, flow, row)

        return Paused("queue", waits)

    async def _watch(self, under: UnderWay) -> None:
        """Take notice of what people and events bring while the run is under way here."""
        ctx = under.ctx
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await ctx.nudged.wait()
            ctx.nudged.clear()
            try:
                await under.waits.look()
                async with self._database.unit(ctx.scope) as session:
                    row = await crud.get(session, ctx.workspace_id, ctx.run_id)
            except Exception as error:
                if not is_passing(error):
                    raise
            else:
                if row is not None:
                    follow(under, row)

    def _paused(self, under: UnderWay, reason: str) -> Paused:
        journal, row, awaited = under.course.journal, under.row, under.waits.awaited
        read, written = journal.tokens
        self._under_way.pop(row.id, None)

        async def waits(session: AsyncSession) -> bool:
            current = await crud.get(session, row.workspace_id, row.id)
            if current is None or (reason == "user" and current.paused_at is None):
                return False
            if _budget(current) != _budget(row):
                return False
            stopped = current.stopped_at is not None and not under.stopped.is_set()
            return not (
                stopped or await waits_crud.has_come(session, row.workspace_id, row.id, awaited)
            )

        return Paused(reason, waits, Settlement({}, read, written, journal.cost_usd))


class _Nowhere:
    """Where nothing is kept: of a run that is only counted."""

    async def keep(self, step: Step) -> Step:
        return step


def _budget(row: WorkflowRun) -> Any:
    return row.definition.get("settings", {}).get("budget_usd")
