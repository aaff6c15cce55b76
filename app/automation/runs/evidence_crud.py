"""What speaks for a diagnosis, read from Postgres."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Text, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.automation.engine.models import WorkflowRun, WorkflowStep
from app.automation.runs.reach import visible
from app.core.auth import Access
from app.runs.runs.models import Run

MOST_FAILED: Final = 10
MOST_BEFORE: Final = 50
_EMPTY: Final = ("null", '""', "[]", "{}")


@dataclass(frozen=True, slots=True)
class Before:
    """How a node ended in an earlier run of the same workflow."""

    run_id: UUID
    status: str
    code: str | None


async def failed_steps(
    session: AsyncSession, workspace_id: UUID, run_id: UUID
) -> Sequence[WorkflowStep]:
    """The last ends of nodes that failed, the newest first."""
    found = await session.scalars(
        select(WorkflowStep)
        .where(
            WorkflowStep.workspace_id == workspace_id,
            WorkflowStep.run_id == run_id,
            WorkflowStep.status == "error",
            WorkflowStep.retry_at.is_(None),
        )
        .order_by(WorkflowStep.position.desc())
        .limit(MOST_FAILED)
    )
    return found.all()


async def attempts_at(
    session: AsyncSession, workspace_id: UUID, run_id: UUID, path: str
) -> Sequence[WorkflowStep]:
    found = await session.scalars(
        select(WorkflowStep)
        .where(
            WorkflowStep.workspace_id == workspace_id,
            WorkflowStep.run_id == run_id,
            WorkflowStep.path == path,
        )
        .order_by(WorkflowStep.attempt)
    )
    return found.all()


async def empty_ends(
    session: AsyncSession, workspace_id: UUID, run_id: UUID, node_ids: Collection[str]
) -> Sequence[WorkflowStep]:
    """Ends of these nodes that gave nothing: null, or an empty text, list or object."""
    written = cast(WorkflowStep.output, Text)
    found = await session.scalars(
        select(WorkflowStep)
        .where(
            WorkflowStep.workspace_id == workspace_id,
            WorkflowStep.run_id == run_id,
            WorkflowStep.node_id.in_(node_ids),
            WorkflowStep.retry_at.is_(None),
            WorkflowStep.status != "started",
            func.coalesce(written, "null").in_(_EMPTY),
        )
        .order_by(WorkflowStep.position.desc())
        .limit(MOST_FAILED)
    )
    return found.all()


async def ends_before(
    session: AsyncSession,
    workspace_id: UUID,
    access: Access,
    workflow_id: UUID,
    node_id: str,
    before: datetime,
) -> list[Before]:
    """How a node ended in the newest earlier runs that the caller sees, the newest first."""
    earlier = _earlier(workspace_id, access, workflow_id, before).limit(MOST_BEFORE).cte("earlier")
    rows = await session.execute(
        select(WorkflowStep.run_id, WorkflowStep.status, WorkflowStep.error["code"].astext)
        .join(earlier, earlier.c.id == WorkflowStep.run_id)
        .where(
            WorkflowStep.workspace_id == workspace_id,
            WorkflowStep.node_id == node_id,
            WorkflowStep.retry_at.is_(None),
            WorkflowStep.copied.is_(False),
            WorkflowStep.status != "started",
        )
        .order_by(earlier.c.created_at.desc(), WorkflowStep.position.desc())
        .limit(MOST_BEFORE)
    )
    return [Before(*row) for row in rows]


async def last_success(
    session: AsyncSession, workspace_id: UUID, access: Access, workflow_id: UUID, before: datetime
) -> WorkflowRun | None:
    """The newest earlier run that the caller sees and that did what it was asked."""
    earlier = (
        _earlier(workspace_id, access, workflow_id, before)
        .join(Run, Run.id == WorkflowRun.id)
        .where(Run.status == "completed")
        .limit(1)
        .cte("earlier")
    )
    return await session.scalar(select(WorkflowRun).where(WorkflowRun.id.in_(select(earlier.c.id))))


def _earlier(workspace_id: UUID, access: Access, workflow_id: UUID, before: datetime) -> Any:
    return (
        select(WorkflowRun.id, WorkflowRun.created_at)
        .where(
            WorkflowRun.workspace_id == workspace_id,
            WorkflowRun.workflow_id == workflow_id,
            WorkflowRun.created_at < before,
            visible(access),
        )
        .order_by(WorkflowRun.created_at.desc(), WorkflowRun.id.desc())
    )
