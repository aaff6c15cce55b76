"""The runs of a front end's conversation in Postgres."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.agents.runtime.models import Execution
from app.core.clock import now
from app.runs.dialects.dialects import THREAD
from app.runs.runs.models import Run

# A run that waits is forgotten by its chat after this; approvals expire long before.
OLDEST: Final = timedelta(days=30)


async def take_turn(session: AsyncSession, run_id: UUID) -> None:
    """Let one request at a time begin this run."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(str(run_id), 6))))


async def active(
    session: AsyncSession, workspace_id: UUID, user_id: UUID, agent_id: UUID, thread_id: str
) -> Run | None:
    """A user's newest run in a conversation with an agent that has not ended."""
    return await session.scalar(
        select(Run)
        .join(Execution, Execution.id == Run.id)
        .where(
            Run.workspace_id == workspace_id,
            Run.user_id == user_id,
            Run.ended_at.is_(None),
            Run.created_at > now() - OLDEST,
            Execution.workspace_id == workspace_id,
            Execution.agent_id == agent_id,
            Execution.labels[THREAD].astext == thread_id,
        )
        .order_by(Run.created_at.desc(), Run.id.desc())
        .limit(1)
    )
