"""Conversations."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import Category, Handling, personal, plain
from app.core.restorable import Restorable


class Conversation(Restorable):
    """A tree of messages; `current_message_id` is the leaf of the branch that is shown.

    `title_source`: `none` yet, the `model`, the `fallback` (the first words), or a `user`.
    Turns draw on `collections` and hold to `dictionaries` (ids; null: the workspace's defaults).
    `memory` is what they draw on of what is remembered, `compaction` what becomes of a history that
    is too long (null: nothing, and its oldest is left out).
    """

    __tablename__ = "conversations"
    __table_args__ = (
        Index("ix_conversations_list", "workspace_id", "user_id", "last_active_at", "id"),
    )

    __handling__ = Handling(
        "keep a person's chats until they delete them",
        subject="user_id",
        retention="conversations",
        aged_by="last_active_at",
    )

    user_id: Mapped[UUID]
    title: Mapped[str] = mapped_column(default="", info=personal(Category.CONTENT))
    title_source: Mapped[str] = mapped_column(default="none", info=plain())
    model: Mapped[str | None] = mapped_column(info=plain())
    instructions: Mapped[str] = mapped_column(default="", info=personal(Category.CONTENT))
    labels: Mapped[dict[str, Any]] = mapped_column(
        "metadata", default=dict, info=personal(Category.CONTENT)
    )
    collections: Mapped[list[Any]] = mapped_column(default=list, info=plain())
    dictionaries: Mapped[list[Any] | None] = mapped_column(info=plain())
    memory: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True), info=plain())
    compaction: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB(none_as_null=True), info=plain()
    )
    current_message_id: Mapped[UUID | None]
    active_run_id: Mapped[UUID | None]
    last_active_at: Mapped[datetime]
