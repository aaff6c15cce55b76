"""Guardrails."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import plain, technical
from app.core.db import RESTORABLE, Resource


class Guardrail(Resource):
    """A policy: its checks, and which calls it is for."""

    __tablename__ = "guardrails"
    __table_args__ = (Index("ix_guardrails_list", "workspace_id", "created_at", "id"),)

    __handling__ = technical("check what models are asked and answer, by a workspace's policies")

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(info=plain())
    description: Mapped[str] = mapped_column(default="", info=plain())
    enabled: Mapped[bool] = mapped_column(default=True)
    applies_to: Mapped[dict[str, Any]] = mapped_column(default=dict, info=plain())
    checks: Mapped[list[Any]] = mapped_column(default=list, info=plain())
    deleted_at: Mapped[datetime | None]

    @property
    def restorable_until(self) -> datetime | None:
        return self.deleted_at + RESTORABLE if self.deleted_at else None
