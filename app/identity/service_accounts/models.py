"""Service accounts."""

from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import plain, technical
from app.core.db import Resource


class ServiceAccount(Resource):
    """A program as a member: an account without an address or a password, with keys of its own."""

    __tablename__ = "service_accounts"
    __handling__ = technical("Programs that are members of a workspace")
    __table_args__ = (Index("ix_service_accounts_list", "workspace_id", "created_at", "id"),)

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), unique=True)
    name: Mapped[str] = mapped_column(info=plain())
    description: Mapped[str] = mapped_column(default="", info=plain())
    created_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
