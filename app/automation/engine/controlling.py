"""What people do to a run that is under way: hold it, have it go on, or stop it."""

from decimal import Decimal

from app.automation.engine import crud
from app.automation.engine.errors import WorkflowRunEnded
from app.automation.engine.models import WorkflowRun
from app.core.audit import Note, note
from app.core.clock import now
from app.core.db import AsyncSession
from app.runs.runs.bundle import Runs


async def pause(session: AsyncSession, runs: Runs, row: WorkflowRun) -> None:
    """Let steps that are under way end, and begin no other; raises WorkflowRunEnded."""
    _expect_going(row)
    if row.paused_at is None:
        await _take(session, runs, row)
        row.paused_at = now()
        await _told(session, row, "workflow_run.paused")


async def resume(
    session: AsyncSession, runs: Runs, row: WorkflowRun, budget_usd: Decimal | None = None
) -> None:
    """Have a run that a person or a budget holds go on, with another budget where one is given.

    Raises WorkflowRunEnded.
    """
    await _take(session, runs, row)
    row.paused_at = None
    if budget_usd is not None:
        settings = {**row.definition.get("settings", {}), "budget_usd": str(budget_usd)}
        row.definition = {**row.definition, "settings": settings}
    await _told(session, row, "workflow_run.resumed")


async def stop(session: AsyncSession, runs: Runs, row: WorkflowRun) -> None:
    """Have a run undo what it did, the last first, and end; raises WorkflowRunEnded."""
    _expect_going(row)
    if row.stopped_at is None:
        await _take(session, runs, row)
        row.stopped_at = now()
        await _told(session, row, "workflow_run.stopped")


async def _take(session: AsyncSession, runs: Runs, row: WorkflowRun) -> None:
    """Wake the run, which locks its row, and see how it is then; raises WorkflowRunEnded.

    That row first, as everywhere: whoever ends the run holds it, and wants this one.
    """
    await runs.wake(session, row.workspace_id, row.id)
    await session.refresh(row)
    _expect_going(row)


def _expect_going(row: WorkflowRun) -> None:
    if row.ended_at is not None:
        raise WorkflowRunEnded


async def _told(session: AsyncSession, row: WorkflowRun, action: str) -> None:
    await crud.save(session)
    note(session, Note(action, "run", row.id, detail={"workflow": row.workflow_slug}))
