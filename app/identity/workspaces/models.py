"""Workspaces and memberships."""

from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Resource


class Workspace(Resource):
    """The tenant: everything else belongs to one."""

    __tablename__ = "workspaces"

    name: Mapped[str]
    kind: Mapped[str] = mapped_column(default="team")


class Membership(Resource):
    __tablename__ = "memberships"
    __table_args__ = (UniqueConstraint("workspace_id", "user_id"),)

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    role: Mapped[str]
