"""Comparisons."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import Category, Handling, personal, plain
from app.core.restorable import Restorable


class Comparison(Restorable):
    """One prompt and the answers to it; `candidates` is in the order that was asked for.

    While the run is under way a candidate says who it is and nothing else. `teaches` is the
    adaptive route that learns from the choice.
    """

    __tablename__ = "comparisons"
    __table_args__ = (Index("ix_comparisons_list", "workspace_id", "user_id", "created_at", "id"),)

    __handling__ = Handling(
        "show answers of several models side by side",
        subject="user_id",
        retention="runs",
        aged_by="ended_at",
    )

    user_id: Mapped[UUID]
    run_id: Mapped[UUID]
    status: Mapped[str] = mapped_column(info=plain())
    messages: Mapped[list[Any]] = mapped_column(info=personal(Category.CONTENT))
    parameters: Mapped[dict[str, Any]] = mapped_column(info=plain())
    candidates: Mapped[list[Any]] = mapped_column(info=personal(Category.CONTENT))
    teaches: Mapped[str | None] = mapped_column(info=plain())
    choice: Mapped[str | None] = mapped_column(info=plain())
    comment: Mapped[str | None] = mapped_column(info=personal(Category.CONTENT))
    chosen_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    @property
    def object(self) -> str:
        return "comparison"
