"""Which versioned things a member sees: the workspace's, one's own, and those shared with one."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, DateTime, Uuid, bindparam, or_

from app.core.clock import now
from app.identity.sharing.reach import shared_with
from app.identity.versioned.kind import Kind, N, V


def visible(
    kind: Kind[V, N],
    workspace_id: UUID | BindParameter[UUID],
    user_id: UUID | BindParameter[UUID],
    at: BindParameter[datetime] | None = None,
) -> ColumnElement[bool]:
    """Which of a workspace a member sees, now or `at` a moment."""
    return or_(
        kind.row.visibility == "workspace",
        kind.row.owner_id == user_id,
        kind.row.id.in_(shared_with(workspace_id, user_id, kind.shared_as, at)),
    )


def of_workspace(kind: Kind[V, N]) -> ColumnElement[bool]:
    return kind.row.workspace_id == bindparam("of_workspace", type_=Uuid())


def seen(kind: Kind[V, N]) -> ColumnElement[bool]:
    """The same of a statement that is made once; `seen_by` has its values."""
    return visible(
        kind,
        bindparam("of_workspace", type_=Uuid()),
        bindparam("of_user", type_=Uuid()),
        bindparam("at", type_=DateTime(timezone=True)),
    )


def seen_by(workspace_id: UUID, user_id: UUID) -> dict[str, Any]:
    return {"of_workspace": workspace_id, "of_user": user_id, "at": now()}
