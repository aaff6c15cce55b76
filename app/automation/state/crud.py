"""Kept values of workflows in Postgres."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from app.automation.state.models import WorkflowState
from app.core.db import AsyncSession
from app.core.ids import new_id


async def get(
    session: AsyncSession,
    workspace_id: UUID,
    workflow_id: UUID,
    key: str,
    *,
    for_update: bool = False,
) -> WorkflowState | None:
    statement = select(WorkflowState).where(
        WorkflowState.workspace_id == workspace_id,
        WorkflowState.workflow_id == workflow_id,
        WorkflowState.key == key,
    )
    if for_update:
        statement = statement.with_for_update()
    return (await session.scalars(statement)).one_or_none()


async def count(session: AsyncSession, workspace_id: UUID, workflow_id: UUID) -> int:
    counted = select(func.count()).where(
        WorkflowState.workspace_id == workspace_id, WorkflowState.workflow_id == workflow_id
    )
    return await session.scalar(counted) or 0


async def begin(
    session: AsyncSession, workspace_id: UUID, workflow_id: UUID, key: str
) -> WorkflowState:
    """The value under a key, locked; where there is none, null with the number 0."""
    fresh = {
        "id": new_id(),
        "workspace_id": workspace_id,
        "workflow_id": workflow_id,
        "key": key,
        "value": None,
        "number": 0,
        "step": "",
    }
    await session.execute(insert(WorkflowState).values(fresh).on_conflict_do_nothing())
    found = await get(session, workspace_id, workflow_id, key, for_update=True)
    if found is None:
        raise LookupError(key)
    return found


async def save(
    session: AsyncSession, row: WorkflowState, user_id: UUID, value: Any, step: str
) -> None:
    row.user_id, row.value, row.step = user_id, value, step
    row.number += 1
    await session.flush()
