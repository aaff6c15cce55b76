"""Guardrails."""

from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import plain, technical
from app.core.restorable import Restorable


class Guardrail(Restorable):
    """A policy: its checks, and which calls it is for."""

    __tablename__ = "guardrails"
    __table_args__ = (Index("ix_guardrails_list", "workspace_id", "created_at", "id"),)

    __handling__ = technical("check what models are asked and answer, by a workspace's policies")

    name: Mapped[str] = mapped_column(info=plain())
    description: Mapped[str] = mapped_column(default="", info=plain())
    enabled: Mapped[bool] = mapped_column(default=True)
    applies_to: Mapped[dict[str, Any]] = mapped_column(default=dict, info=plain())
    checks: Mapped[list[Any]] = mapped_column(default=list, info=plain())
