"""Whom shares reach, as conditions: also for the rooms that list what is shared."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, Select, and_, or_, select

from app.core.clock import now
from app.identity.sharing.models import Share
from app.identity.workspaces.models import Membership
from app.identity.workspaces.roles import CUSTOM


def living(at: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    return or_(Share.expires_at.is_(None), Share.expires_at > at)


def reaches(
    workspace_id: UUID | BindParameter[UUID], user_id: UUID | BindParameter[UUID]
) -> ColumnElement[bool]:
    """Whether a share is for a member: by name, or by role."""
    return (
        select(Membership.id)
        .where(
            Membership.workspace_id == workspace_id,
            Membership.user_id == user_id,
            or_(
                Share.member_id == Membership.id,
                and_(Share.role == Membership.role, Membership.role != CUSTOM),
                Share.role_id == Membership.role_id,
            ),
        )
        .exists()
    )


def shared_with(
    workspace_id: UUID | BindParameter[UUID],
    user_id: UUID | BindParameter[UUID],
    resource_type: str,
    at: BindParameter[datetime] | None = None,
) -> Select[UUID]:
    """The ids of the resources of one type that are shared with a member, now or `at` a moment."""
    return select(Share.resource_id).where(
        Share.workspace_id == workspace_id,
        Share.resource_type == resource_type,
        living(now() if at is None else at),
        reaches(workspace_id, user_id),
    )
