"""Policies of the response cache."""

from typing import Any

from sqlalchemy import Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import plain, technical
from app.core.restorable import Restorable


class ResponseCache(Restorable):
    """A policy; its answers are in Valkey and its questions in Qdrant.

    `generation` counts purges: it is part of every entry's name.
    """

    __tablename__ = "response_caches"
    __table_args__ = (Index("ix_response_caches_list", "workspace_id", "created_at", "id"),)

    __handling__ = technical("say which answers of models a workspace gives again")

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
