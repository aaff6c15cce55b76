"""Fine-tuning jobs in Postgres."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.paging import Cursors, Keyset, Slice, fetch_page
from app.inference.fine_tuning.models import FineTuningJob
from app.inference.fine_tuning.schemas import FineTuningJobQuery


async def get(
    session: AsyncSession, workspace_id: UUID, job_id: UUID, *, for_update: bool = False
) -> FineTuningJob | None:
    statement = select(FineTuningJob).where(
        FineTuningJob.workspace_id == workspace_id, FineTuningJob.id == job_id
    )
    if for_update:
        statement = statement.with_for_update()
    return (await session.scalars(statement)).one_or_none()


async def page(
    session: AsyncSession, workspace_id: UUID, query: FineTuningJobQuery, cursors: Cursors
) -> Slice[FineTuningJob]:
    statement = select(FineTuningJob).where(FineTuningJob.workspace_id == workspace_id)
    if query.status is not None:
        statement = statement.where(FineTuningJob.status == query.status)
    keyset = Keyset(FineTuningJob.created_at, FineTuningJob.id)
    return await fetch_page(
        session, statement, keyset, query, cursors=cursors, workspace_id=workspace_id
    )


async def newest(
    session: AsyncSession, workspace_id: UUID, after: UUID | None, limit: int
) -> Sequence[FineTuningJob]:
    """As OpenAI lists them: ids are in the order of time."""
    statement = select(FineTuningJob).where(FineTuningJob.workspace_id == workspace_id)
    if after is not None:
        statement = statement.where(FineTuningJob.id < after)
    return (await session.scalars(statement.order_by(FineTuningJob.id.desc()).limit(limit))).all()


async def add(session: AsyncSession, job: FineTuningJob) -> FineTuningJob:
    session.add(job)
    await session.flush()
    return job
