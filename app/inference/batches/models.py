"""Files, batches and their lines."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import Category, Handling, personal, plain
from app.core.db import Resource, Row


class StoredFile(Row):
    """A file that a client has uploaded for batches or fine-tuning; `size` is in bytes."""

    __tablename__ = "stored_files"
    __table_args__ = (Index("ix_stored_files_list", "workspace_id", "created_at", "id"),)

    __handling__ = Handling(
        "read the requests of batches and the examples of fine-tuning", subject="user_id",
        retention="runs",
    )  # fmt: skip

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    user_id: Mapped[UUID]
    name: Mapped[str] = mapped_column(info=personal(Category.CONTENT))
    purpose: Mapped[str] = mapped_column(info=plain())
    size: Mapped[int]
    content: Mapped[bytes] = mapped_column(deferred=True, info=personal(Category.CONTENT))


class Batch(Resource):
    """Requests that a run carries out; what comes of each stands in its line.

    `endpoint` is set where all lines are of one operation. `succeeded` and `failed` count lines.
    While it is `handing_over`, no line is asked by ourselves.
    """

    __tablename__ = "batches"
    __table_args__ = (Index("ix_batches_list", "workspace_id", "created_at", "id"),)

    __handling__ = Handling(
        "carry out many requests and tell how they went",
        subject="user_id",
        retention="runs",
        aged_by="ended_at",
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    user_id: Mapped[UUID]
    run_id: Mapped[UUID]
    file_id: Mapped[UUID | None]
    endpoint: Mapped[str | None] = mapped_column(info=plain())
    processing: Mapped[str] = mapped_column(info=plain())
    labels: Mapped[dict[str, Any]] = mapped_column(info=personal(Category.CONTENT))
    status: Mapped[str] = mapped_column(info=plain())
    total: Mapped[int]
    succeeded: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    handing_over: Mapped[bool] = mapped_column(default=False)
    error: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True), info=plain())
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class BatchLine(Row):
    """One request: `status` is pending, submitted, succeeded, failed, cancelled or expired.

    `answer` is the body that its client would have had, with the HTTP status `status_code`.
    `request_id` is what the ledger knows a submitted one by, `part_id` the provider's batch.
    """

    __tablename__ = "batch_lines"
    __table_args__ = (
        Index("uq_batch_lines_position", "batch_id", "position", unique=True),
        Index("uq_batch_lines_custom_id", "batch_id", "custom_id", unique=True),
        Index(
            "ix_batch_lines_open",
            "batch_id",
            "position",
            postgresql_where=text("status IN ('pending', 'submitted')"),
        ),
        Index("ix_batch_lines_workspace_id", "workspace_id"),
    )

    __handling__ = Handling(
        "keep the requests of batches and their answers",
        through=("batch_id", "batches"),
        audited=False,
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("batches.id", ondelete="CASCADE"))
    position: Mapped[int]
    custom_id: Mapped[str] = mapped_column(info=personal(Category.CONTENT))
    url: Mapped[str] = mapped_column(info=plain())
    body: Mapped[dict[str, Any]] = mapped_column(info=personal(Category.CONTENT))
    status: Mapped[str] = mapped_column(default="pending", info=plain())
    status_code: Mapped[int | None]
    answer: Mapped[Any] = mapped_column(
        JSONB(none_as_null=True), nullable=True, info=personal(Category.CONTENT)
    )
    request_id: Mapped[UUID | None]
    part_id: Mapped[UUID | None]


class BatchPart(Row):
    """What of a batch a provider's own batch API carries out.

    `upstream_id` is null as long as it is not known to have been made there.
    """

    __tablename__ = "batch_parts"
    __table_args__ = (
        Index("ix_batch_parts_batch", "batch_id"),
        Index("ix_batch_parts_workspace_id", "workspace_id"),
    )

    __handling__ = Handling(
        "follow what providers carry out of a batch",
        through=("batch_id", "batches"),
        audited=False,
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("batches.id", ondelete="CASCADE"))
    integration_id: Mapped[UUID]
    url: Mapped[str] = mapped_column(info=plain())
    upstream_id: Mapped[str | None] = mapped_column(info=plain())
    done: Mapped[bool] = mapped_column(default=False)
