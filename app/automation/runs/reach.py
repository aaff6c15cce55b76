"""Whose runs a caller sees: their own, and those of the workflows that they may change."""

from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.automation.engine.models import WorkflowRun
from app.automation.workflows.models import WORKFLOW_KIND, Workflow
from app.core.auth import Access, Permission
from app.identity.sharing.models import Share
from app.identity.sharing.reach import shared_with

WRITES: Final = Permission.WORKFLOWS_WRITE


def visible(access: Access) -> ColumnElement[bool]:
    """A run has the data of whoever began it: being allowed to read the workflow is not enough."""
    mine = WorkflowRun.user_id == access.user_id
    if WRITES not in access.permissions:
        return mine
    return or_(mine, WorkflowRun.workflow_id.in_(changeable(access)))


def changeable(access: Access) -> Select[UUID]:
    """The ids of the workflows that the caller may change, deleted ones included."""
    shared = shared_with(access.workspace_id, access.user_id, WORKFLOW_KIND.shared_as)
    return select(Workflow.id).where(
        Workflow.workspace_id == access.workspace_id,
        or_(
            Workflow.visibility == "workspace",
            Workflow.owner_id == access.user_id,
            Workflow.id.in_(shared.where(Share.level == "write")),
        ),
    )


async def may_change(session: AsyncSession, access: Access, workflow_id: UUID | None) -> bool:
    if WRITES not in access.permissions or workflow_id is None:
        return False
    found = await session.scalar(changeable(access).where(Workflow.id == workflow_id))
    return found is not None
