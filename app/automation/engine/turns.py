"""What a run has to do with others: it has them begin in its place, or ends them."""

from collections.abc import Collection, Sequence
from functools import partial
from uuid import UUID

from app.automation.engine import admission
from app.automation.engine.models import WorkflowRun
from app.automation.engine.replacing import replaced_by
from app.automation.language.flow import Flow
from app.core.db import AsyncSession, Database, Scope, on_commit
from app.core.tasks import Background
from app.runs.runs import service
from app.runs.runs.bundle import Runs
from app.runs.runs.patience import patiently


class Turns:
    """One a process; `runs` is set once runs are carried out here."""

    runs: Runs

    def __init__(self, database: Database) -> None:
        self._database = database
        self._background = Background()

    async def close(self) -> None:
        await self._background.close()

    async def cancel(self, session: AsyncSession, workspace_id: UUID, run_id: UUID) -> None:
        """Have another run cancelled, once the transaction commits."""
        await service.request_cancel_of(session, workspace_id, run_id)
        self.runs.canceller(session)(run_id)

    async def replace(self, flow: Flow, row: WorkflowRun) -> None:
        """Have older runs end, where this one is to have their place."""

        async def found() -> Sequence[UUID]:
            async with self._database.unit(Scope(row.workspace_id)) as session:
                return await replaced_by(session, flow, row)

        async def cancel(run_id: UUID) -> None:
            async with self._database.unit(Scope(row.workspace_id)) as session:
                await self.cancel(session, row.workspace_id, run_id)

        for run_id in await patiently(found):
            await patiently(partial(cancel, run_id))

    async def pass_on(self, flow: Flow, row: WorkflowRun, not_yet: admission.NotYet | None) -> None:
        """Have those ask for their turn that may, once this one has begun, or waits."""
        if not _is_limited(row):
            return

        async def wake_others() -> None:
            async with self._database.unit(Scope(row.workspace_id)) as session:
                found = await admission.next_after(session, flow, row, not_yet)
                await self._wake(session, row, found)

        await patiently(wake_others)

    async def make_room(self, session: AsyncSession, flow: Flow | None, row: WorkflowRun) -> None:
        """Have others begin in place of a run that ends; without its `flow` nobody is known."""
        if flow is None or not _is_limited(row):
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


def _is_limited(row: WorkflowRun) -> bool:
    """Whether it counts with others by a key."""
    return row.concurrency_key is not None or row.rate_key is not None
