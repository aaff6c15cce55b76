"""Feedback."""

from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import Category, Handling, personal, plain
from app.core.db import Row


class Feedback(Row):
    """One judgement of an answer: `score` from -1 (bad) to 1 (good).

    It names what it is about by one of three ids. `route_id`, `category` and `deployment` are what
    an adaptive route learned from it, null where none did.
    """

    __tablename__ = "feedback"
    __table_args__ = (
        Index("ix_feedback_list", "workspace_id", "created_at", "id"),
        Index("ix_feedback_call", "call_id"),
        Index("ix_feedback_run", "run_id"),
        Index("ix_feedback_message", "message_id"),
    )

    __handling__ = Handling(
        "learn which model answers well", subject="user_id", retention="usage", audited=False
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    user_id: Mapped[UUID]
    call_id: Mapped[UUID | None]
    run_id: Mapped[UUID | None]
    message_id: Mapped[UUID | None]
    score: Mapped[float]
    source: Mapped[str] = mapped_column(info=plain())
    comment: Mapped[str | None] = mapped_column(info=personal(Category.CONTENT))
    route_id: Mapped[UUID | None]
    category: Mapped[str | None] = mapped_column(info=plain())
    deployment: Mapped[str | None] = mapped_column(info=plain())
