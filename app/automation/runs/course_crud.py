"""How the nodes of a run stand, counted by Postgres, and what its kept log says of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from app.automation.engine.models import WorkflowStep, WorkflowWait
from app.runs.events.models import RunEvent

MOST_EVENTS: Final = 20_000
_TOLD: Final = ("step.completed", "step.failed", "step.skipped")


@dataclass(frozen=True, slots=True)
class Standing:
    """The latest attempt at a node, over all its places."""

    node_id: str
    id: UUID
    status: str
    port: str
    retry_at: datetime | None
    at: datetime


async def latest(session: AsyncSession, workspace_id: UUID, run_id: UUID) -> dict[str, Standing]:
    at = func.coalesce(WorkflowStep.ended_at, WorkflowStep.started_at)
    rows = await session.execute(
        select(
            WorkflowStep.node_id,
            WorkflowStep.id,
            WorkflowStep.status,
            WorkflowStep.port,
            WorkflowStep.retry_at,
            at,
        )
        .where(WorkflowStep.workspace_id == workspace_id, WorkflowStep.run_id == run_id)
        .ext(distinct_on(WorkflowStep.node_id))
        .order_by(WorkflowStep.node_id, at.desc(), WorkflowStep.position.desc())
    )
    return {row[0]: Standing(*row) for row in rows}


async def ends(
    session: AsyncSession, workspace_id: UUID, run_id: UUID
) -> dict[str, dict[str, int]]:
    """How often each node ended how; `attempts` counts them all."""
    is_end = WorkflowStep.retry_at.is_(None)
    rows = await session.execute(
        select(
            WorkflowStep.node_id,
            WorkflowStep.status,
            func.count().filter(is_end),
            func.count(),
        )
        .where(
            WorkflowStep.workspace_id == workspace_id,
            WorkflowStep.run_id == run_id,
            WorkflowStep.status != "started",
        )
        .group_by(WorkflowStep.node_id, WorkflowStep.status)
    )
    found: dict[str, dict[str, int]] = {}
    for node_id, status, ended, attempts in rows:
        counts = found.setdefault(node_id, {"attempts": 0})
        counts["attempts"] += attempts
        if ended:
            counts[status] = ended
    return found


async def waiting(session: AsyncSession, workspace_id: UUID, run_id: UUID) -> set[str]:
    """The nodes that wait for something."""
    found = await session.scalars(
        select(WorkflowWait.node_id)
        .where(
            WorkflowWait.workspace_id == workspace_id,
            WorkflowWait.run_id == run_id,
            WorkflowWait.status == "open",
        )
        .distinct()
    )
    return set(found)


async def told(
    session: AsyncSession,
    workspace_id: UUID,
    run_id: UUID,
    types: Sequence[str] = _TOLD,
    limit: int = MOST_EVENTS,
) -> list[dict[str, Any]]:
    """What the kept log says of steps, in its order.

    A log is kept when its run pauses and when it ends, and for a day after that.
    """
    found = await session.scalars(
        select(RunEvent.body)
        .where(
            RunEvent.workspace_id == workspace_id,
            RunEvent.run_id == run_id,
            RunEvent.type.in_(types),
        )
        .order_by(RunEvent.seq)
        .limit(limit)
    )
    return [orjson.loads(body) for body in found]
