"""The tasks of other systems: runs that were begun by A2A messages."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.agents.runtime.models import Execution
from app.core.auth import Access
from app.runs.runs.models import Run

CONTEXT = "a2a_context"
MOST_TURNS = 20
Task = tuple[Run, Execution]


def _own(access: Access, agent_id: UUID) -> Select[Run, Execution]:
    return (
        select(Run, Execution)
        .join(Execution, Execution.id == Run.id)
        .where(
            Run.workspace_id == access.workspace_id,
            Run.user_id == access.user_id,
            Execution.workspace_id == access.workspace_id,
            Execution.agent_id == agent_id,
            Execution.labels.has_key(CONTEXT),
        )
    )


async def get(session: AsyncSession, access: Access, agent_id: UUID, run_id: UUID) -> Task | None:
    """A task of the caller's own with this agent."""
    found = await session.execute(_own(access, agent_id).where(Run.id == run_id))
    return next((_task(*row) for row in found), None)


async def page(
    session: AsyncSession,
    access: Access,
    agent_id: UUID,
    *,
    context: str | None,
    statuses: Collection[str] | None,
    changed_after: datetime | None,
    before: tuple[datetime, UUID] | None,
    most: int,
) -> tuple[Sequence[Task], int]:
    """Up to `most` and one more, the newest change first; and how many there are in all."""
    statement = _own(access, agent_id)
    if context:
        statement = statement.where(Execution.labels[CONTEXT].astext == context)
    if statuses is not None:
        statement = statement.where(Run.status.in_(statuses))
    if changed_after is not None:
        statement = statement.where(Run.updated_at > changed_after)
    counted = statement.with_only_columns(func.count(), maintain_column_froms=True)
    total = await session.scalar(counted) or 0
    if before is not None:
        statement = statement.where(tuple_(Run.updated_at, Run.id) < before)
    statement = statement.order_by(Run.updated_at.desc(), Run.id.desc()).limit(most + 1)
    return [_task(*row) for row in await session.execute(statement)], total


async def turns(
    session: AsyncSession, access: Access, agent_id: UUID, context: str
) -> Sequence[Task]:
    """What was asked and answered in a context, oldest first."""
    statement = (
        _own(access, agent_id)
        .where(Execution.labels[CONTEXT].astext == context, Run.status == "completed")
        .order_by(Run.created_at.desc())
        .limit(MOST_TURNS)
    )
    found = [_task(*row) for row in await session.execute(statement)]
    return found[::-1]


def _task(run: Run, execution: Execution) -> Task:
    return run, execution
