"""Policies of the response cache."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import plain, technical
from app.core.db import RESTORABLE, Resource


class ResponseCache(Resource):
    """A policy; its answers are in Valkey and its questions in Qdrant.

    `generation` counts purges: it is part of every entry's name.
    """

    __tablename__ = "response_caches"
    __table_args__ = (Index("ix_response_caches_list", "workspace_id", "created_at", "id"),)

    __handling__ = technical("say which answers of models a workspace gives again")

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(info=plain())
    enabled: Mapped[bool] = mapped_column(default=True)
    applies_to: Mapped[dict[str, Any]] = mapped_column(default=dict, info=plain())
    models: Mapped[list[Any] | None] = mapped_column(JSONB(none_as_null=True), info=plain())
    scope: Mapped[str] = mapped_column(default="workspace", info=plain())
    exact: Mapped[bool] = mapped_column(default=True)
    similarity: Mapped[float | None]
    embedding_model: Mapped[str | None] = mapped_column(info=plain())
    ttl_seconds: Mapped[int]
    max_entries: Mapped[int]
    max_answer_bytes: Mapped[int]
    zero_temperature_only: Mapped[bool] = mapped_column(default=False)
    caches_tool_calls: Mapped[bool] = mapped_column(default=False)
    coalesces: Mapped[bool] = mapped_column(default=True)
    generation: Mapped[int] = mapped_column(default=1)
    deleted_at: Mapped[datetime | None]

    @property
    def restorable_until(self) -> datetime | None:
        return self.deleted_at + RESTORABLE if self.deleted_at else None
