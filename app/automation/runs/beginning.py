"""Beginning runs within a request's own transaction, where its rails lie."""

from dataclasses import dataclass
from uuid import UUID

from app.automation.engine import turns_crud
from app.automation.engine.errors import WorkflowDisabled
from app.automation.engine.models import WorkflowRun
from app.automation.engine.rehearsing import Rehearsed, rehearse
from app.automation.engine.starting import Again, Ready, Starter
from app.automation.engine.work import KIND
from app.automation.nodes.registry import NodeTypes
from app.automation.nodes.starting import RunWanted
from app.automation.runs import crud, service
from app.automation.workflows import service as workflows
from app.core.auth import Access
from app.core.db import AsyncSession
from app.core.http.rails import AlreadyStarted, Rails
from app.core.http.units import run_unit
from app.core.kernel import Kernel
from app.runs.events.event import EventId
from app.runs.runs import service as runs
from app.runs.runs.errors import RunNotFound
from app.runs.runs.models import Run


@dataclass(frozen=True, slots=True)
class Started:
    """The run to follow: new, or begun before; of a dry run what it would come to."""

    run_id: UUID
    after: int = 0
    stream: bool = False
    wait: bool = False
    replayed: bool = False
    run: Run | None = None
    rehearsed: Rehearsed | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """How the caller wants to hear of it."""

    stream: bool = False
    wait: bool = False


@dataclass(frozen=True, slots=True)
class Beginning:
    """One request that begins a run."""

    kernel: Kernel
    rails: Rails
    starter: Starter
    types: NodeTypes
    access: Access
    way: Way

    def replayed(self, run_id: UUID) -> Started:
        return Started(run_id, 0, self.way.stream, self.way.wait, replayed=True)

    async def resume(
        self, last: EventId, *, workflow: str | None = None, again: UUID | None = None
    ) -> Started:
        """Follow what this address has begun: of `workflow`, or doing the run `again` anew.

        Raises RunNotFound.
        """
        workspace_id, started_id = self.access.workspace_id, self.rails.started_run_id
        async with self.kernel.database.unit(self.access.scope) as session:
            run = await runs.resumed(session, self.access, last.run_id, KIND, started_id=started_id)
            if not await crud.was_begun(session, workspace_id, run.id, workflow, again):
                raise RunNotFound("This request has begun no run with this id.")
        return Started(run.id, last.seq, stream=True, run=run)

    async def begin(self, wanted: RunWanted) -> Started:
        """Raises what preparing and storing a run raise."""
        if self.rails.started_run_id is not None:
            return self.replayed(self.rails.started_run_id)
        # The rails keep the run's id, and of a key it is known only once the workflow is.
        async with self.kernel.database.unit(self.access.scope) as session:
            ready = await self.starter.prepare(session, self.access, wanted)
        return await self._begun(ready)

    async def begin_again(self, wanted: Again) -> Started:
        """Raises WorkflowRunNotFound, and what preparing and storing a run raise."""
        if self.rails.started_run_id is not None:
            return self.replayed(self.rails.started_run_id)
        async with self.kernel.database.unit(self.access.scope) as session:
            shown = await service.show(session, self.access, wanted.run_id)
            await _expect_enabled(session, self.access, shown.workflow_run)
            ready = await self.starter.prepare_again(session, self.access, wanted)
        return await self._begun(ready)

    async def _begun(self, ready: Ready) -> Started:
        run_id, access = ready.row.id, self.access
        try:
            async with run_unit(self.kernel, self.rails, access.scope, run_id) as session:
                run, is_new = await self._stored(session, ready)
        except AlreadyStarted as started:
            return self.replayed(started.run_id)
        if self.rails.dry_run:
            row = ready.row
            told = await rehearse(ready.flow, row.inputs, self.types, access, row.workflow_slug)
            return Started(run_id, rehearsed=told)
        if is_new:
            self.starter.launch(run)
        return Started(run_id, 0, self.way.stream, self.way.wait, not is_new, run)

    async def _stored(self, session: AsyncSession, ready: Ready) -> tuple[Run, bool]:
        """The run, and whether it is new: its key may have begun it already."""
        await turns_crud.lock(session, f"workflow_run:{ready.row.id}")
        found = await runs.find(session, self.access.workspace_id, ready.row.id)
        if found is not None:
            return found, False
        return await self.starter.store(session, self.access, ready), True


async def _expect_enabled(session: AsyncSession, access: Access, row: WorkflowRun) -> None:
    """Raises WorkflowNotFound and WorkflowDisabled: what is gone or off is not run again."""
    if row.workflow_id is None:
        return
    workflow = await workflows.get(session, access, row.workflow_id)
    if not workflow.enabled:
        raise WorkflowDisabled(f"`{workflow.slug}` is switched off.")
