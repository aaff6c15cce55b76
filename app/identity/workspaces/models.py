"""Workspaces, memberships, and the roles that a workspace makes for itself."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, and_, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import Handling, plain, technical
from app.core.db import RESTORABLE, Resource
from app.core.restorable import Restorable


class Workspace(Resource):
    """The tenant: everything else belongs to one. A deleted one is there for its owners alone."""

    __tablename__ = "workspaces"
    __handling__ = technical("The tenant that all other data belongs to")

    name: Mapped[str] = mapped_column(info=plain())
    kind: Mapped[str] = mapped_column(default="team", info=plain())
    deleted_at: Mapped[datetime | None]

    @property
    def restorable_until(self) -> datetime | None:
        return self.deleted_at + RESTORABLE if self.deleted_at else None


class CustomRole(Restorable):
    """A role made of permissions, by its name within one workspace."""

    __tablename__ = "roles"
    __handling__ = technical("Roles that a workspace defines")
    __table_args__ = (
        Index(
            "uq_roles_name",
            "workspace_id",
            text("lower(name)"),
            unique=True,
            postgresql_where=text("deleted_at is null"),
        ),
    )

    name: Mapped[str] = mapped_column(info=plain())
    description: Mapped[str] = mapped_column(default="", info=plain())
    permissions: Mapped[list[Any]] = mapped_column(info=plain())


class Membership(Resource):
    """A person's or a service account's place in a workspace.

    `role` is a built-in one, or `custom` where `role_id` names one of the workspace's own.
    """

    __tablename__ = "memberships"
    __handling__ = Handling("Who is in which workspace, and as what", subject="user_id")
    __table_args__ = (UniqueConstraint("workspace_id", "user_id"),)

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    role: Mapped[str] = mapped_column(info=plain())
    role_id: Mapped[UUID | None] = mapped_column(ForeignKey("roles.id"), index=True)
    suspended_at: Mapped[datetime | None]


# How a membership leads to its role of the workspace's own; one that was deleted allows nothing.
ROLE_OF_MEMBER = and_(CustomRole.id == Membership.role_id, CustomRole.deleted_at.is_(None))
