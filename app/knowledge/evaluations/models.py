"""Question sets, and how well searches answered them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import Category, Handling, personal, plain
from app.core.db import Row
from app.core.restorable import Restorable


class QuestionSet(Restorable):
    """Questions, each with what a search for it should find."""

    __tablename__ = "search_question_sets"
    __table_args__ = (Index("ix_search_question_sets_list", "workspace_id", "created_at", "id"),)
    __handling__ = Handling("measure how well searches find", subject="user_id")

    user_id: Mapped[UUID]
    name: Mapped[str] = mapped_column(info=plain())
    description: Mapped[str] = mapped_column(info=plain())
    questions: Mapped[list[Any]] = mapped_column(deferred=True, info=personal(Category.CONTENT))


class Evaluation(Restorable):
    """A question set that was asked with one or several configurations; `results` at its end.

    `filters` narrow all of its searches.
    """

    __tablename__ = "search_evaluations"
    __table_args__ = (
        Index("ix_search_evaluations_list", "workspace_id", "user_id", "created_at", "id"),
    )
    __handling__ = Handling(
        "measure how well searches find",
        subject="user_id",
        retention="runs",
        aged_by="ended_at",
    )

    user_id: Mapped[UUID]
    run_id: Mapped[UUID]
    question_set_id: Mapped[UUID | None]
    name: Mapped[str] = mapped_column(info=plain())
    status: Mapped[str] = mapped_column(info=plain())
    question_count: Mapped[int]
    filters: Mapped[dict[str, Any]] = mapped_column(info=plain())
    configurations: Mapped[list[Any]] = mapped_column(info=plain())
    results: Mapped[dict[str, Any] | None] = mapped_column(info=plain())
    ended_at: Mapped[datetime | None]


class EvaluatedQuestion(Row):
    """One question of an evaluation as it was asked; `outcomes` by configuration, at its end."""

    __tablename__ = "search_evaluation_questions"
    __table_args__ = (
        Index("ix_search_evaluation_questions_list", "evaluation_id", "position"),
        Index("ix_search_evaluation_questions_workspace_id", "workspace_id"),
    )
    __handling__ = Handling(
        "measure how well searches find",
        through=("evaluation_id", "search_evaluations"),
        audited=False,
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    evaluation_id: Mapped[UUID] = mapped_column(
        ForeignKey("search_evaluations.id", ondelete="CASCADE")
    )
    position: Mapped[int]
    question: Mapped[str] = mapped_column(info=personal(Category.CONTENT))
    relevant: Mapped[list[Any]] = mapped_column(info=plain())
    outcomes: Mapped[list[Any] | None] = mapped_column(info=plain())
