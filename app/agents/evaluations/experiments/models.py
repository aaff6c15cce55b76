"""Experiments, and the results of their cases."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Numeric
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import Category, Handling, personal, plain
from app.core.db import Row
from app.core.restorable import Restorable


class Experiment(Restorable):
    """Targets that are asked the cases of one snapshot, `repeats` times each.

    `status`: running, completed, failed or cancelled. `graders` and `pass_score` are as the
    evaluation had them; `results` are the figures at the end.
    """

    __tablename__ = "experiments"
    __table_args__ = (
        Index("ix_experiments_list", "workspace_id", "created_at", "id"),
        Index("ix_experiments_evaluation_id", "evaluation_id"),
        Index("ix_experiments_snapshot_id", "snapshot_id"),
    )
    __handling__ = Handling(
        "evaluate agents, models and prompts by cases",
        subject="user_id",
        erase="clear",
        reason="what a team has measured stays its own; answers to a person's own cases are theirs",
        retention="runs",
        aged_by="ended_at",
    )

    user_id: Mapped[UUID | None]
    run_id: Mapped[UUID]
    evaluation_id: Mapped[UUID] = mapped_column(ForeignKey("evaluations.id", ondelete="CASCADE"))
    snapshot_id: Mapped[UUID] = mapped_column(
        ForeignKey("dataset_snapshots.id", ondelete="CASCADE")
    )
    digest: Mapped[str] = mapped_column(info=plain())
    name: Mapped[str] = mapped_column(info=plain())
    labels: Mapped[dict[str, Any]] = mapped_column("metadata", default=dict, info=plain())
    status: Mapped[str] = mapped_column(info=plain())
    targets: Mapped[list[Any]] = mapped_column(info=plain())
    tags: Mapped[list[Any]] = mapped_column(default=list, info=plain())
    graders: Mapped[list[Any]] = mapped_column(info=plain())
    pass_score: Mapped[float]
    repeats: Mapped[int]
    concurrency: Mapped[int]
    budget_usd: Mapped[Decimal | None] = mapped_column(Numeric(18, 9))
    case_count: Mapped[int]
    calibrations: Mapped[list[Any]] = mapped_column(default=list, info=plain())
    results: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True), info=plain())
    ended_at: Mapped[datetime | None]


class ExperimentResult(Row):
    """What one target made of one case, once.

    `status`: running, completed, failed or cancelled. It is written as soon as it is known.
    `latency_ms` and `first_token_ms` are of the target alone, and so is `cost_usd`;
    `grading_cost_usd` is what judges took. `run_id` is an agent's run. `user_id` is whose the case
    was.
    """

    __tablename__ = "experiment_results"
    __table_args__ = (
        Index(
            "uq_experiment_results_case",
            "experiment_id",
            "target",
            "case_id",
            "repeat",
            unique=True,
        ),
        Index("ix_experiment_results_list", "experiment_id", "place", "id"),
        Index("ix_experiment_results_workspace_id", "workspace_id"),
        Index("ix_experiment_results_user_id", "user_id"),
    )
    __handling__ = Handling(
        "evaluate agents, models and prompts by cases", subject="user_id", audited=False
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    experiment_id: Mapped[UUID] = mapped_column(ForeignKey("experiments.id", ondelete="CASCADE"))
    user_id: Mapped[UUID | None]
    case_id: Mapped[UUID]
    place: Mapped[int]
    target: Mapped[str] = mapped_column(info=plain())
    repeat: Mapped[int]
    status: Mapped[str] = mapped_column(info=plain())
    tags: Mapped[list[Any]] = mapped_column(default=list, info=plain())
    run_id: Mapped[UUID | None]
    model: Mapped[str | None] = mapped_column(info=plain())
    text: Mapped[str] = mapped_column(default="", info=personal(Category.CONTENT))
    output: Mapped[Any] = mapped_column(
        JSONB(none_as_null=True), nullable=True, info=personal(Category.CONTENT)
    )
    tool_calls: Mapped[list[Any]] = mapped_column(default=list, info=personal(Category.CONTENT))
    steps: Mapped[int | None]
    grades: Mapped[list[Any]] = mapped_column(default=list, info=personal(Category.CONTENT))
    score: Mapped[float] = mapped_column(default=0.0)
    passed: Mapped[bool] = mapped_column(default=False)
    error: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True), info=plain())
    input_tokens: Mapped[int] = mapped_column(default=0)
    output_tokens: Mapped[int] = mapped_column(default=0)
    cost_usd: Mapped[Decimal | None] = mapped_column(Numeric(18, 9))
    grading_cost_usd: Mapped[Decimal | None] = mapped_column(Numeric(18, 9))
    latency_ms: Mapped[float | None]
    first_token_ms: Mapped[float | None]
