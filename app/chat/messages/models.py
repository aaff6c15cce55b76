"""Messages."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Computed, ForeignKey, Index, Numeric
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import Category, Handling, personal, plain
from app.core.db import Row


class Message(Row):
    """A node of a conversation's tree; siblings are alternatives.

    `search` has no index: under row-level security Postgres may not use one for `@@` (the operator
    is not leakproof), so a search walks the messages of the caller's own conversations.
    `parts` is the content (text, image, reasoning, tool_call, tool_result), `text` its plain text.
    `status`: complete, streaming, failed, cancelled. `seams` are where another model took over,
    `sources` the passages that an answer was given, `violations` the terms it should not have used.
    From `indexed_at` on it is found by searches. `summary` (`text`, `model`) stands for the branch
    up to here, this message within, where it has become too long for a prompt.
    """

    __tablename__ = "messages"
    __table_args__ = (
        Index("ix_messages_tree", "conversation_id", "parent_id", "id"),
        Index(
            "ix_messages_unindexed",
            "updated_at",
            postgresql_where=sql("indexed_at is null and status <> 'streaming'"),
        ),
    )

    __handling__ = Handling(
        "keep what was asked and answered",
        through=("conversation_id", "conversations"),
        retention="conversations",
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    conversation_id: Mapped[UUID] = mapped_column(
        ForeignKey("conversations.id", ondelete="CASCADE")
    )
    parent_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("messages.id", ondelete="CASCADE"), index=True
    )
    role: Mapped[str] = mapped_column(info=plain())
    status: Mapped[str] = mapped_column(default="complete", info=plain())
    parts: Mapped[list[Any]] = mapped_column(info=personal(Category.CONTENT))
    text: Mapped[str] = mapped_column(default="", info=personal(Category.CONTENT))
    search: Mapped[Any] = mapped_column(
        TSVECTOR,
        Computed(
            "to_tsvector('simple', luminous_unaccented(luminous_unmarked(text)))", persisted=True
        ),
        deferred=True,
        info=personal(Category.CONTENT),
    )
    model: Mapped[str | None] = mapped_column(info=plain())
    route: Mapped[str | None] = mapped_column(info=plain())
    seams: Mapped[list[Any]] = mapped_column(default=list, info=plain())
    sources: Mapped[list[Any]] = mapped_column(default=list, info=personal(Category.CONTENT))
    violations: Mapped[list[Any]] = mapped_column(default=list, info=personal(Category.CONTENT))
    summary: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB(none_as_null=True), info=personal(Category.CONTENT)
    )
    indexed_at: Mapped[datetime | None]
    run_id: Mapped[UUID | None] = mapped_column(index=True)
    finish_reason: Mapped[str | None] = mapped_column(info=plain())
    error: Mapped[dict[str, Any] | None] = mapped_column(info=plain())
    input_tokens: Mapped[int | None]
    output_tokens: Mapped[int | None]
    cost_usd: Mapped[Decimal | None] = mapped_column(Numeric(18, 9))
    labels: Mapped[dict[str, Any]] = mapped_column(
        "metadata", default=dict, info=personal(Category.CONTENT)
    )
