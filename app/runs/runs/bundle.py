"""Everything about runs that a process keeps open."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from app.core.db import AsyncSession, Scope, on_commit
from app.core.kernel import Kernel
from app.runs.events.appender import Appender
from app.runs.events.live import LiveLog
from app.runs.events.log import RunLog
from app.runs.events.reader import EventReader
from app.runs.events.signals import Signals
from app.runs.runs import crud
from app.runs.runs.elsewhere import Elsewhere
from app.runs.runs.ending import Closer
from app.runs.runs.executor import Executor
from app.runs.runs.lease import Lease
from app.runs.runs.models import Run
from app.runs.runs.recovery import Recovery
from app.runs.runs.work import Work


@dataclass(frozen=True, slots=True)
class Runs:
    """What routes and rooms need: to launch, to cancel, and to read."""

    executor: Executor
    reader: EventReader
    recovery: Recovery

    def canceller(self, session: AsyncSession) -> Callable[[UUID], None]:
        """What tells the owner of a run that it is cancelled, once the transaction commits."""

        def cancelled(run_id: UUID) -> None:
            on_commit(session, lambda: self.recovery.announce_cancel(run_id))

        return cancelled

    async def wake(self, session: AsyncSession, workspace_id: UUID, run_id: UUID) -> None:
        """Have a paused run go on, with what this transaction brings, once that commits."""
        kind = await crud.wake(session, workspace_id, run_id)
        on_commit(session, lambda: self.recovery.announce_wake(run_id, kind))

    async def wake_idle(self, session: AsyncSession, workspace_id: UUID, run_id: UUID) -> bool:
        """The same without waiting for who has the run in hand; False where nobody was woken.

        For a transaction that holds a run: two that wait for each other's would stand still.
        """
        kind = await crud.wake_idle(session, workspace_id, run_id)
        if kind is not None:
            on_commit(session, lambda: self.recovery.announce_wake(run_id, kind))
        return kind is not None


@asynccontextmanager
async def open_runs(
    kernel: Kernel, works: Sequence[Work], lease: Lease, elsewhere: Elsewhere | None = None
) -> AsyncIterator[Runs]:
    """Start carrying out runs in this process; once its lease is closed, another one may.

    What is driven `elsewhere` is taken up by `Recovery.carry_out` only.
    """
    local: dict[UUID, RunLog] = {}
    live = LiveLog(kernel.valkey)
    signals = Signals(kernel.valkey)
    appender = Appender(live)
    closer = Closer(kernel)

    async def find(workspace_id: UUID, run_id: UUID) -> Run | None:
        async with kernel.database.unit(Scope(workspace_id)) as session:
            return await crud.get(session, workspace_id, run_id)

    reader = EventReader(kernel, live, signals, local, find)
    executor = Executor(lease.executor_id, works, closer, appender, local)
    recovery = Recovery(kernel, executor, lease, live, signals, closer, elsewhere)
    # Closed from the last to the first: no new runs, no work, all written.
    async with AsyncExitStack() as stack:
        signals.start()
        stack.push_async_callback(signals.close)
        stack.push_async_callback(live.close)
        appender.start()
        stack.push_async_callback(appender.close)
        reader.start()
        stack.push_async_callback(reader.close)
        stack.push_async_callback(executor.close)
        stack.push_async_callback(recovery.close)
        await recovery.start()
        yield Runs(executor, reader, recovery)


def runs_of(request: Request) -> Runs:
    runs: Runs = request.app.state.runs
    return runs


RunsDep = Annotated[Runs, Depends(runs_of)]
