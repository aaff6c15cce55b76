"""The work of a workflow's run: walk its graph, let go while it only waits, leave its result."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
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
from app.automation.engine.parking import Parked, Parking
from app.automation.engine.performing import UnderWay, follow, performed
from app.automation.engine.plans import Plan, Plans
from app.automation.engine.quieting import Quiet
from app.automation.engine.sharing import Shared
from app.automation.engine.steps import Step
from app.automation.engine.telling import Log
from app.automation.engine.turns import Turns
from app.automation.engine.waits import LOOK_SECONDS, Waits
from app.automation.language.flow import Flow, Node
from app.automation.nodes.node_type import ContainerNode
from app.automation.nodes.registry import NodeTypes
from app.core.auth import Access
from app.core.clock import now
from app.core.db import AsyncSession, Database, on_commit
from app.core.kernel import Valkey
from app.core.outbox import emit
from app.core.tasks import stop_tasks
from app.inference.calls.calls import Calls
from app.runs.runs.context import RunContext
from app.runs.runs.patience import is_passing, patiently
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
    """Carries workflows' runs out; what has ended in one process is not done again in the next."""

    kind = KIND
    most_losses = 20

    def __init__(
        self, database: Database, valkey: Valkey, types: NodeTypes, calls: Calls, plans: Plans
    ) -> None:
        self.turns = Turns(database)
        self._database = database
        self._calls = calls
        self._valkey = valkey
        self._types = types
        self._plans = plans
        self._checkpoints = Checkpoints(database)
        self._begun: dict[UUID, Known] = {}
        self._under_way: dict[UUID, UnderWay] = {}
        self._outputs: dict[UUID, Any] = {}

    async def close(self) -> None:
        await self.turns.close()
        await self._checkpoints.close()

    def expect(self, row: WorkflowRun, plan: Plan) -> None:
        """Hand over a new run whose turn it is, which this process will launch."""
        self._begun[row.id] = Known(row, plan)

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
                await self.turns.cancel(session, ctx.workspace_id, child)
        flow = under.course.flow if under else readable(self._plans, row)
        await self.turns.make_room(session, flow, row)
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

    def _forget(self, run_id: UUID) -> None:
        self._under_way.pop(run_id, None)
        self._outputs.pop(run_id, None)

    async def _taken_up(self, ctx: RunContext) -> UnderWay:
        """The run with all that it did and waits for; raises Paused before its turn has come."""
        hold = Hold(ctx.workspace_id, ctx.run_id, ctx.attempt)
        if ctx.continued:
            # What a process that died had asked of models: nobody knows what was answered.
            await patiently(lambda: self._calls.settle_lost(ctx.workspace_id, ctx.run_id, ""))

        async def found() -> tuple[Known, Access]:
            async with self._database.unit(ctx.scope) as session:
                access = await still_held(session, access_told(ctx))
                mine = ctx.workspace_id, ctx.run_id
                taken = await take_up(session, self._plans, *mine, self.turns.cancel)
                return taken, access

        begun = self._begun.pop(ctx.run_id, None)
        known, access = (begun, access_told(ctx)) if begun else await patiently(found)
        row, flow = known.row, known.plan.flow
        parking = Parking()
        waiting = Waits(self._database, hold, ctx.user_id, parking, known.waits, self.turns.cancel)
        await self.turns.pass_on(flow, row, known.not_yet)
        if known.not_yet is not None:
            if known.not_yet.until is None:
                await self.turns.replace(flow, row)
            raise await self._queued(row, flow, waiting)
        # Of containers that had ended when their process died.
        failed = [each.place for each in known.steps if each.error and self._holds(each)]
        await waiting.abandon(*(each for place in failed for each in beneath(place)))
        quiet = Quiet(ctx)
        course = Course(
            run_id=ctx.run_id,
            workflow=row.workflow_slug,
            access=access,
            plan=known.plan,
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
        if ctx.continued:
            _tell_kept(course, known.steps)
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

    def _paused(self, under: UnderWay, parked: Parked) -> Paused:
        journal, row = under.course.journal, under.row
        read, written = journal.tokens
        self._under_way.pop(row.id, None)

        async def waits(session: AsyncSession) -> bool:
            current = await crud.get(session, row.workspace_id, row.id)
            if current is None or (parked.reason == "user" and current.paused_at is None):
                return False
            if _budget(current) != _budget(row):
                return False
            stopped = current.stopped_at is not None and not under.stopped.is_set()
            return not (
                stopped
                or await waits_crud.has_come(session, row.workspace_id, row.id, parked.awaited)
            )

        return Paused(parked.reason, waits, Settlement({}, read, written, journal.cost_usd))


def _tell_kept(course: Course, steps: Sequence[Step]) -> None:
    """Tell how steps ended whose process died before the log had it, inside of containers too."""
    for step in sorted(steps, key=lambda each: each.position):
        if step.status != "started" and not step.copied:
            course.telling.ended(Node(id=step.node_id, type=step.node_type), step)


class _Nowhere:
    """Where nothing is kept: of a run that is only counted."""

    async def keep(self, step: Step) -> Step:
        return step


def _budget(row: WorkflowRun) -> Any:
    return row.definition.get("settings", {}).get("budget_usd")
