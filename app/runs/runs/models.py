"""Runs."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Numeric, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import Category, Handling, personal, plain
from app.core.db import Row

UNFINISHED: Final = ("queued", "running")


class Run(Row):
    """A piece of long work. `status`: queued, running, paused, completed, failed or cancelled.

    `subject_id` is what it works on (a conversation, say) and `input` what `kind` needs to do it
    again. `attempt` counts the processes that have taken it up. `last_seq` is set at its
    end and where it pauses, when its log is kept.
    """

    __tablename__ = "runs"
    __table_args__ = (
        Index("ix_runs_list", "workspace_id", "user_id", "created_at", "id"),
        Index("ix_runs_subject", "subject_id"),
        Index(
            "ix_runs_unfinished", "status", postgresql_where=text("status IN ('queued', 'running')")
        ),
    )

    __handling__ = Handling(
        "carry out long work and tell how it went",
        subject="user_id",
        retention="runs",
        aged_by="ended_at",
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    user_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(info=plain())
    status: Mapped[str] = mapped_column(default="queued", info=plain())
    subject_id: Mapped[UUID | None]
    input: Mapped[dict[str, Any]] = mapped_column(info=personal(Category.CONTENT))
    result: Mapped[dict[str, Any] | None] = mapped_column(info=personal(Category.CONTENT))
    error: Mapped[dict[str, Any] | None] = mapped_column(info=plain())
    attempt: Mapped[int] = mapped_column(default=0)
    executor_id: Mapped[str | None] = mapped_column(info=plain())
    last_seq: Mapped[int] = mapped_column(default=0)
    input_tokens: Mapped[int] = mapped_column(default=0)
    output_tokens: Mapped[int] = mapped_column(default=0)
    cost_usd: Mapped[Decimal | None] = mapped_column(Numeric(18, 9))
    cancel_requested_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
