"""Evaluations in Postgres."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.agents.evaluations.models import AgentEvaluation
from app.agents.evaluations.ports import Wanted
from app.agents.evaluations.schemas import AgentEvaluationQuery
from app.agents.runtime.models import Execution
from app.core import restorable
from app.core.paging import Cursors, Slice
from app.runs.runs.models import Run


async def add(session: AsyncSession, row: AgentEvaluation) -> None:
    session.add(row)
    await session.flush()


async def page(
    session: AsyncSession, workspace_id: UUID, query: AgentEvaluationQuery, cursors: Cursors
) -> Slice[AgentEvaluation]:
    wanted = []
    if query.dataset_id is not None:
        wanted.append(AgentEvaluation.dataset_id == query.dataset_id)
    return await restorable.page(session, AgentEvaluation, workspace_id, query, cursors, *wanted)


async def past_executions(
    session: AsyncSession, workspace_id: UUID, user_id: UUID, wanted: Wanted
) -> Sequence[tuple[Run, Execution]]:
    """A person's own runs of agents that have completed, newest first."""
    statement = (
        select(Run, Execution)
        .join(Execution, Execution.id == Run.id)
        .where(
            Execution.workspace_id == workspace_id,
            Run.workspace_id == workspace_id,
            Run.user_id == user_id,
            Run.status == "completed",
        )
        .order_by(Run.created_at.desc(), Run.id.desc())
    )
    if wanted.run_ids is not None:
        statement = statement.where(Run.id.in_(wanted.run_ids))
    if wanted.subject_id is not None:
        statement = statement.where(Execution.agent_id == wanted.subject_id)
    if wanted.since is not None:
        statement = statement.where(Run.created_at >= wanted.since)
    if wanted.until is not None:
        statement = statement.where(Run.created_at < wanted.until)
    if wanted.run_ids is None:
        statement = statement.limit(wanted.most)
    return [(run, execution) for run, execution in await session.execute(statement)]
