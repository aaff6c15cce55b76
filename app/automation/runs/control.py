"""What people do to runs that are under way."""

from contextlib import suppress
from decimal import Decimal
from uuid import UUID

from app.automation.engine import controlling
from app.automation.engine.errors import WorkflowRunEnded
from app.automation.runs import service
from app.automation.runs.schemas import WorkflowRunRead
from app.core.audit import Note, note
from app.core.auth import Access
from app.core.db import AsyncSession
from app.runs.runs import service as runs
from app.runs.runs.bundle import Runs


async def pause(
    session: AsyncSession, access: Access, running: Runs, run_id: UUID
) -> WorkflowRunRead:
    """Raises WorkflowRunNotFound and WorkflowRunEnded."""
    shown = await service.show(session, access, run_id)
    await controlling.pause(session, running, shown.workflow_run)
    return await _again(session, access, run_id)


async def resume(
    session: AsyncSession,
    access: Access,
    running: Runs,
    run_id: UUID,
    budget_usd: Decimal | None = None,
) -> WorkflowRunRead:
    """Raises WorkflowRunNotFound and WorkflowRunEnded."""
    shown = await service.show(session, access, run_id)
    await controlling.resume(session, running, shown.workflow_run, budget_usd)
    return await _again(session, access, run_id)


async def cancel(
    session: AsyncSession, access: Access, running: Runs, run_id: UUID, *, compensate: bool
) -> WorkflowRunRead:
    """One that has ended stays as it is; raises WorkflowRunNotFound."""
    shown = await service.show(session, access, run_id)
    if shown.workflow_run.ended_at is None:
        if compensate:
            with suppress(WorkflowRunEnded):  # meanwhile
                await controlling.stop(session, running, shown.workflow_run)
        else:
            await runs.request_cancel_of(session, access.workspace_id, run_id)
            running.canceller(session)(run_id)
            detail = {"workflow": shown.workflow_run.workflow_slug}
            note(session, Note("workflow_run.cancelled", "run", run_id, detail=detail))
    return await _again(session, access, run_id)


async def _again(session: AsyncSession, access: Access, run_id: UUID) -> WorkflowRunRead:
    """The run as it is now: its row was changed past this session."""
    shown = await service.show(session, access, run_id)
    await session.refresh(shown.run)
    return await service.read(session, access, run_id)
