"""How far the run of a task is, read from Postgres."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from app.automation.engine.models import WorkflowStep, WorkflowWait
from app.automation.tasks.crud import APPROVAL


async def ends(
    session: AsyncSession, workspace_id: UUID, run_id: UUID
) -> dict[str, tuple[str, UUID]]:
    """How each node of a run has ended at last, and the step that says so."""
    rows = await session.execute(
        select(WorkflowStep.node_id, WorkflowStep.status, WorkflowStep.id)
        .where(
            WorkflowStep.workspace_id == workspace_id,
            WorkflowStep.run_id == run_id,
            WorkflowStep.status != "started",
            WorkflowStep.retry_at.is_(None),
            ~WorkflowStep.path.contains("~"),
        )
        .ext(distinct_on(WorkflowStep.node_id))
        .order_by(WorkflowStep.node_id, WorkflowStep.position.desc())
    )
    return {node_id: (status, step_id) for node_id, status, step_id in rows}


async def waiting(session: AsyncSession, workspace_id: UUID, run_id: UUID) -> dict[str, str]:
    """What the nodes of a run wait for, by node."""
    rows = await session.execute(
        select(WorkflowWait.node_id, WorkflowWait.kind).where(
            WorkflowWait.workspace_id == workspace_id,
            WorkflowWait.run_id == run_id,
            WorkflowWait.status == "open",
        )
    )
    return {row.node_id: row.kind for row in rows}


async def count_open(session: AsyncSession, workspace_id: UUID, run_id: UUID) -> int:
    found = await session.scalar(
        select(func.count())
        .select_from(WorkflowWait)
        .where(
            WorkflowWait.workspace_id == workspace_id,
            WorkflowWait.run_id == run_id,
            WorkflowWait.kind == APPROVAL,
            WorkflowWait.status == "open",
        )
    )
    return found or 0
