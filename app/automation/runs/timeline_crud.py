"""What a timeline is drawn from, read from Postgres without the steps' values."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy import case, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.automation.engine.models import WorkflowStep, WorkflowWait

MOST: Final = 5000


@dataclass(frozen=True, slots=True)
class Span:
    """The times of one attempt."""

    id: UUID
    path: str
    attempt: int
    node_id: str
    node_type: str
    status: str
    position: int
    ready_at: datetime | None
    started_at: datetime
    ended_at: datetime | None
    retry_at: datetime | None
    copied: bool
    cost_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class Pause:
    """The times of one wait; `ended_at` is None where it is open."""

    path: str
    attempt: int
    node_id: str
    kind: str
    began_at: datetime
    ended_at: datetime | None


_SPAN = [getattr(WorkflowStep, name) for name in Span.__dataclass_fields__]


async def spans(session: AsyncSession, workspace_id: UUID, run_id: UUID) -> list[Span]:
    """In the order of their ends, those under way first; one more than MOST at most."""
    rows = await session.execute(
        select(*_SPAN)
        .where(WorkflowStep.workspace_id == workspace_id, WorkflowStep.run_id == run_id)
        .order_by(WorkflowStep.position, WorkflowStep.id)
        .limit(MOST + 1)
    )
    return [Span(*row) for row in rows]


async def pauses(session: AsyncSession, workspace_id: UUID, run_id: UUID) -> Sequence[Pause]:
    is_open = WorkflowWait.status == "open"
    rows = await session.execute(
        select(
            WorkflowWait.path,
            WorkflowWait.attempt,
            WorkflowWait.node_id,
            WorkflowWait.kind,
            WorkflowWait.created_at,
            case((~is_open, WorkflowWait.updated_at)),
        )
        .where(
            WorkflowWait.workspace_id == workspace_id,
            WorkflowWait.run_id == run_id,
            ~WorkflowWait.path.startswith("~"),  # the engine's own: the run's deadline
        )
        .order_by(WorkflowWait.created_at, WorkflowWait.id)
        .limit(MOST)
    )
    return [Pause(*row) for row in rows]
