"""Retention policies."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import plain, technical
from app.core.db import Resource


class RetentionPolicy(Resource):
    """A workspace's policy: days by class of data. What is not named is kept."""

    __tablename__ = "retention_policies"
    __handling__ = technical("keep data no longer than a workspace wants it")

    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), unique=True
    )
    days: Mapped[dict[str, Any]] = mapped_column(default=dict, info=plain())
