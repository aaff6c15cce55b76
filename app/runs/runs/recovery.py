"""Finds the runs that nobody carries out any more, and what else has to be looked after."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from app.core.clock import now
from app.core.db import SYSTEM, AsyncSession, Scope
from app.core.kernel import Kernel
from app.core.log import get_logger
from app.core.tasks import stop_tasks
from app.runs.events import crud as events
from app.runs.events.errors import RunLost
from app.runs.events.event import Event
from app.runs.events.live import LiveLog
from app.runs.events.signals import Signals
from app.runs.runs import crud
from app.runs.runs.elsewhere import Elsewhere
from app.runs.runs.ending import Closer
from app.runs.runs.errors import RunInterrupted
from app.runs.runs.executor import Executor
from app.runs.runs.lease import Lease, Loss
from app.runs.runs.models import UNFINISHED, Run
from app.runs.runs.work import Ending, most_losses

log = get_logger(__name__)

CANCELS = "runs:cancel"
NUDGES = "runs:nudge"
SWEEP_SECONDS = 1.0
SWEEPS_A_LEASE = 4
FORGOTTEN_SECONDS = 15.0
LOAD_SECONDS = 5.0
PURGE_SECONDS = 60.0
_CLAIM_ROWS = 50
# Between two claims of a sweep, so that other processes take their share.
_CLAIM_SECONDS = 0.1
_UNATTENDED_ROWS = 200
_PURGE_ROWS = 5000


class Recovery:
    """The sweeper of one process."""

    def __init__(
        self,
        kernel: Kernel,
        executor: Executor,
        lease: Lease,
        live: LiveLog,
        signals: Signals,
        closer: Closer,
        elsewhere: Elsewhere | None,
    ) -> None:
        self._kernel = kernel
        self._executor = executor
        self._lease = lease
        self._live = live
        self._signals = signals
        self._closer = closer
        self._elsewhere = elsewhere
        self._tasks: set[asyncio.Task[None]] = set()
        self._look_for_forgotten = 0.0

    async def start(self) -> None:
        await self._signals.listen(CANCELS, self._on_cancel)
        await self._signals.listen(NUDGES, self._on_nudge)
        lease = self._kernel.settings.run_lease_seconds
        self._keep(self._repeat(self.sweep, min(SWEEP_SECONDS, lease / SWEEPS_A_LEASE)))
        self._keep(self._repeat(self.cancel_missed, SWEEP_SECONDS))
        self._keep(self._repeat(self.purge, PURGE_SECONDS))

    async def close(self) -> None:
        await stop_tasks(self._tasks)

    @property
    def _kinds(self) -> list[str]:
        """The kinds of runs that this process takes up by itself."""
        driven = self._elsewhere.kinds if self._elsewhere else ()
        return [kind for kind in self._executor.works if kind not in driven]

    def announce_cancel(self, run_id: UUID) -> None:
        """Have a run cancelled wherever it is, after its wish for it has been committed."""
        if not self._executor.cancel(run_id):
            self._keep(self._publish(CANCELS, run_id))
            if self._elsewhere is not None:
                self._elsewhere.wake(run_id)

    def announce_wake(self, run_id: UUID, kind: str | None) -> None:
        """One that paused is to go on, if its `kind` is given; else it is under way somewhere."""
        if self._executor.nudge(run_id):
            return
        self._keep(self._publish(NUDGES, run_id))
        if self._elsewhere is not None and kind in self._elsewhere.kinds:
            self._elsewhere.wake(run_id)
        else:
            self._keep(self._look_now())

    async def sweep(self) -> None:
        """Take up the runs of executors that are gone."""
        kinds = self._kinds
        holders = await crud.executors(self._kernel.database, kinds)
        others = [holder for holder in holders if holder not in (None, self._executor.id)]
        gone = await self._lease.roll_call([other for other in others if other])
        forgotten = self._forgotten() if self._executor.id in holders else None
        if not (gone or None in holders or forgotten):
            return
        while True:
            async with self._kernel.database.unit(SYSTEM) as session:
                claimed = await crud.claim(
                    session,
                    self._executor.id,
                    kinds=kinds,
                    dead=list(gone),
                    forgotten=forgotten,
                    limit=_CLAIM_ROWS,
                )
            for run, holder in claimed:
                self._keep(self._take_up(run, holder, gone.get(holder or "", "process_lost")))
            if len(claimed) < _CLAIM_ROWS:
                return
            forgotten = None
            await asyncio.sleep(_CLAIM_SECONDS)

    async def carry_out(self, workspace_id: UUID, run_id: UUID) -> Run | None:
        """Take up here a run that is driven elsewhere, whoever had it, until it ends or pauses.

        None where it is gone. Cancelled, it is let go of for another process to take up. Raises
        RunLost where another one has it by then, or its log or its end could not be written.
        """
        taken = False
        try:
            await self._executor.held(run_id)
            while True:
                async with self._kernel.database.unit(Scope(workspace_id)) as session:
                    run = await crud.lock(session, workspace_id, run_id)
                    if run is None or run.status not in UNFINISHED:
                        return run
                    holder = run.executor_id
                    if taken and holder is not None:
                        raise RunLost
                    await crud.seize(session, run, self._executor.id)
                await self._take_up(run, holder, "process_lost")
                await self._executor.held(run_id)
                taken = True
        except asyncio.CancelledError:
            async with self._kernel.database.unit(Scope(workspace_id)) as session:
                await crud.let_go(session, workspace_id, run_id, self._executor.id)
            raise

    async def unattended(
        self, kinds: Collection[str], seconds: float
    ) -> Sequence[tuple[UUID, UUID]]:
        """Workspace and id of runs driven elsewhere that nobody has had for so long.

        Whoever drives them may not know of them; each is told once in that time.
        """
        holders = await crud.executors(self._kernel.database, kinds)
        gone = await self._lease.roll_call([holder for holder in holders if holder])
        async with self._kernel.database.unit(SYSTEM) as session:
            return await crud.unattended(
                session,
                kinds=kinds,
                dead=list(gone),
                untouched_since=now() - timedelta(seconds=seconds),
                limit=_UNATTENDED_ROWS,
            )

    async def others_wait(self, session: AsyncSession) -> bool:
        """Whether a run is unfinished that this process could not take up; under SYSTEM."""
        return await crud.any_other(session, self._executor.works)

    async def cancel_missed(self) -> None:
        """Cancel what is under way here and whose cancel did not get through."""
        if self._executor.active:
            for run_id in await crud.cancelled_of(self._kernel.database, self._executor.id):
                self._executor.cancel(run_id)

    async def purge(self) -> None:
        """Delete events that have been kept for long enough."""
        kept = timedelta(hours=self._kernel.settings.event_retention_hours)
        deleted = _PURGE_ROWS
        while deleted == _PURGE_ROWS:
            async with self._kernel.database.unit(SYSTEM) as session:
                deleted = await events.purge(session, now() - kept, _PURGE_ROWS)

    def _forgotten(self) -> crud.Forgotten | None:
        if time.monotonic() < self._look_for_forgotten:
            return None
        self._look_for_forgotten = time.monotonic() + FORGOTTEN_SECONDS
        since = now() - timedelta(seconds=FORGOTTEN_SECONDS)
        return crud.Forgotten(self._executor.active, since)

    async def _take_up(self, run: Run, holder: str | None, loss: Loss) -> None:
        history = await self._load(run)
        if history is None:
            return
        if holder is None and history:
            loss = "continued" if history[-1].type == "run.paused" else "process_stopped"
        log.info("run_taken_up", run_id=str(run.id), attempt=run.attempt, reason=loss)
        if history and history[-1].terminal:
            await self._closer.adopt(run, history)
        elif run.cancel_requested_at is not None:
            self._executor.resume(run, history, loss, Ending("cancelled"))
        elif _losses(run, history, loss) >= most_losses(self._executor.works[run.kind]):
            interrupted = RunInterrupted("The processes that worked on it died; start it again.")
            self._executor.resume(run, history, loss, Ending("failed", interrupted))
        else:
            self._executor.resume(run, history, loss)

    async def _look_now(self) -> None:
        with suppress(RedisError, OSError, DBAPIError):  # the next round finds it
            await self.sweep()

    async def _load(self, run: Run) -> list[Event] | None:
        """The log so far, with every earlier owner shut out; None where it is not to be had."""
        deadline = time.monotonic() + LOAD_SECONDS
        while True:
            try:
                if not await self._live.fence(run.id, run.attempt):
                    return None
                history = await self._live.read(run.id, 0, limit=None)
                return history if len(history) >= run.last_seq else await self._kept(run)
            except (RedisError, OSError) as error:
                if time.monotonic() > deadline:
                    log.warning("run_log_not_readable", run_id=str(run.id), error=repr(error))
                    return None
            await asyncio.sleep(0.2)

    async def _kept(self, run: Run) -> list[Event]:
        """The log up to its last pause: Valkey has lost what it had."""
        history: list[Event] = []
        async with self._kernel.database.unit(SYSTEM) as session:
            while len(history) < run.last_seq:
                page = await events.read(session, run.workspace_id, run.id, len(history))
                if not page:
                    break
                history += page
        return history

    def _on_cancel(self, message: bytes) -> None:
        with suppress(ValueError):
            self._executor.cancel(UUID(message.decode()))

    def _on_nudge(self, message: bytes) -> None:
        with suppress(ValueError):
            self._executor.nudge(UUID(message.decode()))

    async def _publish(self, channel: str, run_id: UUID) -> None:
        with suppress(RedisError, OSError):
            await self._kernel.valkey.publish(channel, str(run_id))

    async def _repeat(self, act: Callable[[], Awaitable[None]], seconds: float) -> None:
        while True:
            try:
                await act()
            except Exception as error:  # noqa: BLE001 - the next round may do better
                log.warning("sweep_failed", act=act.__name__, error=repr(error))
            await asyncio.sleep(seconds * random.uniform(0.8, 1.2))  # noqa: S311

    def _keep(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _losses(run: Run, history: Sequence[Event], loss: Loss) -> int:
    """How many processes have died over a run; a stop on purpose and a pause do not count."""
    reasons = [e.body["reason"] for e in history if e.type == "run.resumed"]
    spared = sum(1 for each in [*reasons, loss] if each != "process_lost")
    return run.attempt - 1 - spared
