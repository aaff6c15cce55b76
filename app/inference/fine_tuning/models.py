"""Fine-tuning jobs."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import Category, Handling, personal, plain
from app.core.db import Resource


class FineTuningJob(Resource):
    """A job at a provider, whose credential several workspaces may share: the row says whose it is.

    `upstream_id` is null until the provider has taken it up. `report` is what was found in the
    data set, `given` what the client has set beside model and files.
    """

    __tablename__ = "fine_tuning_jobs"
    __table_args__ = (Index("ix_fine_tuning_jobs_list", "workspace_id", "created_at", "id"),)

    __handling__ = Handling(
        "follow the training of models",
        subject="user_id",
        retention="runs",
        aged_by="ended_at",
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    user_id: Mapped[UUID]
    run_id: Mapped[UUID]
    integration_id: Mapped[UUID]
    slug: Mapped[str] = mapped_column(info=plain())
    model: Mapped[str] = mapped_column(info=plain())
    method: Mapped[str] = mapped_column(info=plain())
    file_id: Mapped[UUID]
    validation_file_id: Mapped[UUID | None]
    given: Mapped[dict[str, Any]] = mapped_column(info=personal(Category.CONTENT))
    report: Mapped[dict[str, Any]] = mapped_column(info=plain())
    status: Mapped[str] = mapped_column(info=plain())
    upstream_id: Mapped[str | None] = mapped_column(info=plain())
    fine_tuned_model: Mapped[str | None] = mapped_column(info=plain())
    trained_tokens: Mapped[int | None]
    error: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True), info=plain())
    ended_at: Mapped[datetime | None]

    @property
    def reference(self) -> str:
        return f"{self.slug}/{self.model}"

    @property
    def fine_tuned_reference(self) -> str | None:
        return f"{self.slug}/{self.fine_tuned_model}" if self.fine_tuned_model else None
