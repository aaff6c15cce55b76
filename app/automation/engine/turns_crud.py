"""The order in which runs of one key have their turn, in Postgres."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.automation.engine.models import WorkflowRun


async def lock(session: AsyncSession, key: str) -> None:
    """Have one transaction at a time decide about a key."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 7))))


async def unfinished(session: AsyncSession, workspace_id: UUID, key: str) -> Sequence[UUID]:
    """The runs of a key that have not ended, the oldest first."""
    found = await session.scalars(
        select(WorkflowRun.id)
        .where(
            WorkflowRun.workspace_id == workspace_id,
            WorkflowRun.concurrency_key == key,
            WorkflowRun.ended_at.is_(None),
        )
        .order_by(WorkflowRun.created_at, WorkflowRun.id)
    )
    return found.all()


async def is_next(session: AsyncSession, row: WorkflowRun, limit: int) -> bool:
    """Whether one of the key's `limit` places is free, and nobody waits who goes before."""
    same = (
        WorkflowRun.workspace_id == row.workspace_id,
        WorkflowRun.concurrency_key == row.concurrency_key,
        WorkflowRun.ended_at.is_(None),
    )
    before = or_(
        WorkflowRun.admitted_at.is_not(None),
        WorkflowRun.priority > row.priority,
        (WorkflowRun.priority == row.priority) & (WorkflowRun.id < row.id),
    )
    ahead = select(func.count()).select_from(WorkflowRun).where(*same, before)
    return int(await session.scalar(ahead) or 0) < limit


async def nth_admission(session: AsyncSession, row: WorkflowRun, count: int) -> datetime | None:
    """When the newest but `count - 1` of the key's runs had its turn."""
    return await session.scalar(
        select(WorkflowRun.admitted_at)
        .where(
            WorkflowRun.workspace_id == row.workspace_id,
            WorkflowRun.rate_key == row.rate_key,
            WorkflowRun.admitted_at.is_not(None),
        )
        .order_by(WorkflowRun.admitted_at.desc())
        .offset(count - 1)
        .limit(1)
    )


async def admit(session: AsyncSession, row: WorkflowRun, moment: datetime) -> None:
    await session.execute(
        update(WorkflowRun)
        .where(WorkflowRun.id == row.id, WorkflowRun.workspace_id == row.workspace_id)
        .values(admitted_at=moment)
    )


async def first_waiting(
    session: AsyncSession, workspace_id: UUID, key: str, but: UUID, limit: int
) -> UUID | None:
    """Whose turn is next; None where nobody waits or all of the key's `limit` places are taken."""
    same = (
        WorkflowRun.workspace_id == workspace_id,
        WorkflowRun.concurrency_key == key,
        WorkflowRun.ended_at.is_(None),
    )
    under_way = (
        select(func.count())
        .select_from(WorkflowRun)
        .where(*same, WorkflowRun.admitted_at.is_not(None))
    )
    return await session.scalar(
        select(WorkflowRun.id)
        .where(
            *same,
            WorkflowRun.admitted_at.is_(None),
            WorkflowRun.id != but,
            under_way.scalar_subquery() < limit,
        )
        .order_by(WorkflowRun.priority.desc(), WorkflowRun.id)
        .limit(1)
    )
