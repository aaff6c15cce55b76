"""What triggers ask of the runs of workflows, in Postgres."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.automation.engine.models import WorkflowRun


async def depth_behind(session: AsyncSession, workspace_id: UUID, run_id: UUID) -> int:
    """How many runs are behind what a run of a workflow does, itself included; 0 for another."""
    found = await session.scalar(
        select(WorkflowRun.depth).where(
            WorkflowRun.workspace_id == workspace_id, WorkflowRun.id == run_id
        )
    )
    return 0 if found is None else found + 1
