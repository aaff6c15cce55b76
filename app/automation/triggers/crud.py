"""Triggers in Postgres."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    bindparam,
    func,
    or_,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from app.automation.triggers.errors import TooManyWorkflowTriggers
from app.automation.triggers.models import WorkflowTrigger
from app.automation.triggers.schemas import WorkflowTriggerQuery
from app.automation.workflows.models import WORKFLOW_KIND, Workflow
from app.core import restorable
from app.core.clock import now
from app.core.db import SYSTEM, Database
from app.core.paging import Cursors, Slice
from app.core.statements import Statement
from app.identity.versioned.seeing import visible

MOST: Final = 1000
T = WorkflowTrigger
_DUE = select(T).where(
    text("enabled and deleted_at is null and kind = 'cron'"), T.next_at <= bindparam("at")
)
_ANY_DUE = Statement(select(_DUE.exists().label("is_due")))


def _seen(workspace_id: UUID, user_id: UUID) -> ColumnElement[bool]:
    """Their own, and those of workflows that they see."""
    workflows = select(Workflow.id).where(
        Workflow.workspace_id == workspace_id, visible(WORKFLOW_KIND, workspace_id, user_id)
    )
    return or_(T.owner_id == user_id, T.workflow_id.in_(workflows))


async def get(
    session: AsyncSession,
    workspace_id: UUID,
    user_id: UUID,
    trigger_id: UUID,
    *,
    for_update: bool = False,
) -> WorkflowTrigger | None:
    """One that a member sees, a deleted one included."""
    statement = select(T).where(
        T.workspace_id == workspace_id, T.id == trigger_id, _seen(workspace_id, user_id)
    )
    if for_update:
        statement = statement.with_for_update(of=T)
    return (await session.scalars(statement)).one_or_none()


async def page(
    session: AsyncSession,
    workspace_id: UUID,
    user_id: UUID,
    query: WorkflowTriggerQuery,
    cursors: Cursors,
) -> Slice[WorkflowTrigger]:
    """Newest first."""
    wanted = [_seen(workspace_id, user_id)]
    if query.workflow_id is not None:
        wanted.append(T.workflow_id == query.workflow_id)
    if query.kind is not None:
        wanted.append(T.kind == query.kind)
    if query.enabled is not None:
        wanted.append(T.enabled == query.enabled)
    if query.mine:
        wanted.append(T.owner_id == user_id)
    return await restorable.page(session, T, workspace_id, query, cursors, *wanted)


async def expect_room(session: AsyncSession, workspace_id: UUID) -> None:
    """Raises TooManyWorkflowTriggers. Until the transaction ends, no other one passes."""
    await session.execute(
        select(func.pg_advisory_xact_lock(func.hashtextextended(f"triggers:{workspace_id}", 0)))
    )
    if await restorable.count_living(session, T, workspace_id) >= MOST:
        raise TooManyWorkflowTriggers(f"A workspace has at most {MOST:,}.")


async def save(session: AsyncSession, trigger: WorkflowTrigger) -> None:
    session.add(trigger)
    await session.flush()
    await session.refresh(trigger)


async def living(
    session: AsyncSession, workspace_id: UUID, trigger_id: UUID
) -> WorkflowTrigger | None:
    statement = restorable.living(T, workspace_id).where(T.id == trigger_id)
    return (await session.scalars(statement)).one_or_none()


async def addressed(session: AsyncSession, trigger_id: UUID) -> WorkflowTrigger | None:
    """A living one, of whichever workspace: its address was all that came; under SYSTEM."""
    return await session.scalar(select(T).where(T.id == trigger_id, T.deleted_at.is_(None)))


async def any_due(database: Database, at: datetime) -> bool:
    """Whether the time of a cron trigger has come, of whichever workspace."""
    [found] = await database.ask(SYSTEM, _ANY_DUE, {"at": at})
    is_due: bool = found["is_due"]
    return is_due


async def due(session: AsyncSession, at: datetime, most: int) -> Sequence[WorkflowTrigger]:
    """Cron triggers whose time has come, locked; under SYSTEM."""
    statement = _DUE.order_by(T.next_at).limit(most).with_for_update(skip_locked=True)
    return (await session.scalars(statement, {"at": at})).all()


async def listening(
    session: AsyncSession, wanted: Collection[tuple[UUID, str]]
) -> Sequence[WorkflowTrigger]:
    """Those for events of these types in these workspaces; under SYSTEM."""
    statement = select(T).where(
        text("enabled and deleted_at is null and kind = 'event'"),
        tuple_(T.workspace_id, T.event_type).in_(wanted),
    )
    return (await session.scalars(statement)).all()


async def move(session: AsyncSession, workspace_id: UUID, trigger_id: UUID, **values: Any) -> None:
    """Write down how it stands; for clients that is no new version of it."""
    await session.execute(
        update(T)
        .where(T.workspace_id == workspace_id, T.id == trigger_id)
        .values(**values, moved_at=now(), updated_at=T.updated_at)
        .execution_options(synchronize_session=False)
    )


async def switch_off(
    session: AsyncSession, workspace_id: UUID, trigger_id: UUID, reason: str
) -> bool:
    """Whether it was on until now."""
    found = await session.scalars(
        update(T)
        .where(T.workspace_id == workspace_id, T.id == trigger_id, T.enabled)
        .values(enabled=False, disabled_reason=reason, next_at=None)
        .returning(T.id)
        .execution_options(synchronize_session=False)
    )
    return found.one_or_none() is not None


async def count_failure(session: AsyncSession, workspace_id: UUID, trigger_id: UUID) -> bool:
    """Count one more start that failed; whether they are as many as it may have in a row."""
    row = (
        await session.execute(
            update(T)
            .where(T.workspace_id == workspace_id, T.id == trigger_id)
            .values(failures=T.failures + 1, moved_at=now(), updated_at=T.updated_at)
            .returning(T.failures, T.max_failures)
            .execution_options(synchronize_session=False)
        )
    ).one_or_none()
    return row is not None and row.failures >= row.max_failures
