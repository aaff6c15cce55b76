"""Carries out runs as detached tasks, and ends each exactly once."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import structlog

from app.core.causes import count_behind
from app.core.errors import AppError, InternalError
from app.core.log import get_logger
from app.core.waiting import running_loop
from app.runs.events.appender import Appender
from app.runs.events.errors import RunLost
from app.runs.events.event import Event
from app.runs.events.log import RunLog
from app.runs.runs.context import RunContext
from app.runs.runs.ending import Closer
from app.runs.runs.lease import Loss
from app.runs.runs.models import Run
from app.runs.runs.patience import is_cut_off
from app.runs.runs.service import BEHIND
from app.runs.runs.work import Ending, Paused, Work

log = get_logger(__name__)

# How long cancelled work may clean up before its run is ended without it.
GRACE_SECONDS = 5.0
CLOSE_SECONDS = 15.0


class Cancelled(AppError):
    """Why work stops: someone cancelled the run."""


class Active:
    """A run under way in this process."""

    def __init__(self, run: Run, ctx: RunContext, run_log: RunLog, work: Work) -> None:
        self.run = run
        self.ctx = ctx
        self.log = run_log
        self.work = work
        self.stopped: asyncio.Future[AppError] = running_loop().create_future()
        self.task: asyncio.Task[None] | None = None

    def stop(self, reason: AppError) -> None:
        """Have the work cancelled; the first reason counts."""
        if not self.stopped.done():
            self.stopped.set_result(reason)


class Executor:
    """The runs of one process. `local` is where the reader finds their logs."""

    def __init__(
        self,
        executor_id: str,
        works: Sequence[Work],
        closer: Closer,
        appender: Appender,
        local: dict[UUID, RunLog],
    ) -> None:
        self.id = executor_id
        self._works = {work.kind: work for work in works}
        self._closer = closer
        self._appender = appender
        self._local = local
        self._active: dict[UUID, Active] = {}
        self._closing = False

    @property
    def active(self) -> Sequence[UUID]:
        return list(self._active)

    @property
    def works(self) -> Mapping[str, Work]:
        """What it carries out, by kind."""
        return self._works

    def take_on(self, works: Sequence[Work]) -> None:
        """Carry these out too, from now on."""
        self._works.update({work.kind: work for work in works})

    def launch(self, run: Run) -> None:
        """Start a run that `service.create` made, once its transaction has committed."""
        self.resume(run, [], "process_lost")

    def resume(
        self, run: Run, history: Sequence[Event], loss: Loss, ending: Ending | None = None
    ) -> None:
        """Go on with a run whose log so far is `history`, or only end it with `ending`."""
        if self._closing or run.id in self._active:
            return
        run_log = RunLog(run.id, run.attempt, history, self._appender.mark)
        ctx = RunContext(run, run_log, self.launch)
        active = Active(run, ctx, run_log, self.works[run.kind])
        run_log.stop = active.stop
        self._local[run.id], self._active[run.id] = run_log, active
        active.task = running_loop().create_task(
            self._drive(active, loss, ending), name=f"run {run.id}"
        )

    def cancel(self, run_id: UUID) -> bool:
        """Cancel a run that is under way here."""
        active = self._active.get(run_id)
        if active is not None:
            active.stop(Cancelled())
        return active is not None

    def nudge(self, run_id: UUID) -> bool:
        """Tell a run that is under way here that something was brought."""
        active = self._active.get(run_id)
        if active is not None:
            active.ctx.nudged.set()
        return active is not None

    async def held(self, run_id: UUID) -> None:
        """Wait until a run is under way here no more; cancelled, have it let go of first."""
        active = self._active.get(run_id)
        if active is None or active.task is None:
            return
        try:
            await asyncio.wait({active.task})
        except asyncio.CancelledError:
            active.stop(RunLost())
            await asyncio.wait({active.task}, timeout=CLOSE_SECONDS)
            raise

    async def close(self) -> None:
        """Stop all work without ending its runs: another process goes on with them."""
        self._closing = True
        for active in self._active.values():
            active.stop(RunLost())
        tasks = [active.task for active in self._active.values() if active.task]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=CLOSE_SECONDS)
            for task in late:
                task.cancel()

    async def _drive(self, active: Active, loss: Loss, ending: Ending | None) -> None:
        run, ctx, run_log = active.run, active.ctx, active.log
        structlog.contextvars.bind_contextvars(run_id=str(run.id))
        count_behind(ctx.input.get(BEHIND, 0))
        ended = False
        outcome: Ending | Paused | None = ending
        try:
            _announce(run, ctx)
            if outcome is None:
                _announce_work(run, ctx, loss)
                outcome = await self._carry_out(active)
            if isinstance(outcome, Paused):
                await self._closer.pause(ctx, run_log, outcome)
            elif outcome is not None:
                ended = await self._closer.end(ctx, run_log, active.work, outcome)
        finally:
            ctx.close()
            del self._local[run.id], self._active[run.id]
            if not ended:
                run_log.hurry()  # whoever goes on with it has to know all that was said
                run_log.abandon()

    async def _carry_out(self, active: Active) -> Ending | Paused | None:
        """Do the work; None where the run is not to be ended by this process."""
        work = running_loop().create_task(active.work.run(active.ctx))
        try:
            either: set[asyncio.Future[Any]] = {work, active.stopped}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return _outcome(work)
            work.cancel()
            await asyncio.wait({work}, timeout=GRACE_SECONDS)
            if not work.done():
                log.warning("work_does_not_stop")
            elif not work.cancelled() and work.exception():
                log.warning("work_failed_while_stopping", exc_info=work.exception())
        finally:
            work.cancel()
        reason = active.stopped.result()
        if isinstance(reason, RunLost):
            return None
        return Ending("cancelled") if isinstance(reason, Cancelled) else Ending("failed", reason)


def _announce(run: Run, ctx: RunContext) -> None:
    if not ctx.history:
        ctx.emit("run.created", kind=run.kind, subject_id=run.subject_id)


def _announce_work(run: Run, ctx: RunContext, loss: Loss) -> None:
    if ctx.continued:
        ctx.emit("run.resumed", attempt=run.attempt, reason=loss)
    else:
        ctx.emit("run.started", attempt=run.attempt)


def _outcome(work: asyncio.Task[None]) -> Ending | Paused | None:
    """None where it is to be taken up again, as one whose process has died."""
    if work.cancelled():
        log.error("work_cancelled_itself")
        return Ending("failed", InternalError("The server's log has the cause."))
    error = work.exception()
    if error is None:
        return Ending("completed")
    # Also of a run that is ours still: what an earlier owner wrote meanwhile is read anew.
    if isinstance(error, RunLost) or is_cut_off(error):
        log.warning("work_cut_off", reason=repr(error))
        return None
    if isinstance(error, AppError):
        return Ending("failed", error)
    if isinstance(error, Paused):
        return error
    log.error("work_failed", exc_info=error)
    return Ending("failed", InternalError("The server's log has the cause."))
