"""Evaluations: a dataset, and how what is made of its cases is graded."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import Handling, plain
from app.core.restorable import Restorable


class AgentEvaluation(Restorable):
    """What is measured: the cases of a dataset, by graders.

    `thresholds` are the gate's own, `baseline_experiment_id` (and which of its targets) what a
    candidate is compared with where a gate names nothing else. `calibrations` say how far its
    judges agree with their calibration sets, each with the digest that it is about.
    """

    __tablename__ = "evaluations"
    __table_args__ = (
        Index("ix_evaluations_list", "workspace_id", "created_at", "id"),
        Index("ix_evaluations_dataset_id", "dataset_id"),
    )
    __handling__ = Handling(
        "evaluate agents, models and prompts by cases",
        subject="user_id",
        erase="clear",
        reason="what a team measures by stays its own",
    )

    user_id: Mapped[UUID | None]
    dataset_id: Mapped[UUID] = mapped_column(ForeignKey("datasets.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(info=plain())
    description: Mapped[str] = mapped_column(default="", info=plain())
    labels: Mapped[dict[str, Any]] = mapped_column("metadata", default=dict, info=plain())
    graders: Mapped[list[Any]] = mapped_column(info=plain())
    pass_score: Mapped[float] = mapped_column(default=0.0)
    thresholds: Mapped[dict[str, Any]] = mapped_column(default=dict, info=plain())
    baseline_experiment_id: Mapped[UUID | None]
    baseline_target: Mapped[str | None] = mapped_column(info=plain())
    calibrations: Mapped[list[Any]] = mapped_column(default=list, info=plain())

    @property
    def baseline(self) -> dict[str, Any] | None:
        if self.baseline_experiment_id is None:
            return None
        return {"experiment_id": self.baseline_experiment_id, "target": self.baseline_target}
