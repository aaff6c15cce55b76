"""Datasets, their cases, and what was pinned of them."""

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import Category, Handling, personal, plain
from app.core.db import Resource, Row
from app.core.restorable import Restorable

CASES = Handling("evaluate agents, models and prompts by cases", subject="user_id", audited=False)


class Dataset(Restorable):
    """Cases that belong together; everyone in the workspace who may see evaluations sees it."""

    __tablename__ = "datasets"
    __table_args__ = (Index("ix_datasets_list", "workspace_id", "created_at", "id"),)
    __handling__ = Handling(
        "evaluate agents, models and prompts by cases",
        subject="user_id",
        erase="clear",
        reason="what a team measures by stays its own; cases out of a person's own runs are theirs",
    )

    user_id: Mapped[UUID | None]
    name: Mapped[str] = mapped_column(info=plain())
    description: Mapped[str] = mapped_column(default="", info=plain())
    labels: Mapped[dict[str, Any]] = mapped_column("metadata", default=dict, info=plain())
    case_count: Mapped[int] = mapped_column(default=0)


class DatasetCase(Resource):
    """One case. `input` is a text, or a list of messages.

    `position` rises with each case that is added. Of a case that was taken from a run, `user_id`
    is whose it was, `run_id` the run. `digest` is of all that a grader or a target sees of it.
    """

    __tablename__ = "dataset_cases"
    __table_args__ = (
        Index("uq_dataset_cases_position", "dataset_id", "position", unique=True),
        Index("ix_dataset_cases_workspace_id", "workspace_id"),
        Index("ix_dataset_cases_user_id", "user_id"),
    )
    __handling__ = CASES

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    dataset_id: Mapped[UUID] = mapped_column(ForeignKey("datasets.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(BigInteger)
    user_id: Mapped[UUID | None]
    run_id: Mapped[UUID | None]
    input: Mapped[Any] = mapped_column(JSONB, info=personal(Category.CONTENT))
    variables: Mapped[dict[str, Any]] = mapped_column(default=dict, info=personal(Category.CONTENT))
    expected: Mapped[Any] = mapped_column(
        JSONB(none_as_null=True), nullable=True, info=personal(Category.CONTENT)
    )
    tags: Mapped[list[Any]] = mapped_column(default=list, info=plain())
    labels: Mapped[dict[str, Any]] = mapped_column(
        "metadata", default=dict, info=personal(Category.CONTENT)
    )
    digest: Mapped[str] = mapped_column(info=plain())


class DatasetSnapshot(Row):
    """All cases of a dataset as they were; the same cases have one digest and snapshot."""

    __tablename__ = "dataset_snapshots"
    __table_args__ = (
        Index("uq_dataset_snapshots_digest", "dataset_id", "digest", unique=True),
        Index("ix_dataset_snapshots_list", "workspace_id", "created_at", "id"),
    )
    __handling__ = Handling(
        "say what an experiment was made with",
        through=("dataset_id", "datasets"),
        audited=False,
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    dataset_id: Mapped[UUID] = mapped_column(ForeignKey("datasets.id", ondelete="CASCADE"))
    digest: Mapped[str] = mapped_column(info=plain())
    case_count: Mapped[int]


class SnapshotCase(Row):
    """A case of a snapshot, as it was; `case_id` is the dataset's own."""

    __tablename__ = "dataset_snapshot_cases"
    __table_args__ = (
        Index("uq_dataset_snapshot_cases_position", "snapshot_id", "position", unique=True),
        Index("ix_dataset_snapshot_cases_workspace_id", "workspace_id"),
        Index("ix_dataset_snapshot_cases_user_id", "user_id"),
    )
    __handling__ = CASES

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    snapshot_id: Mapped[UUID] = mapped_column(
        ForeignKey("dataset_snapshots.id", ondelete="CASCADE")
    )
    case_id: Mapped[UUID]
    position: Mapped[int] = mapped_column(BigInteger)
    user_id: Mapped[UUID | None]
    input: Mapped[Any] = mapped_column(JSONB, info=personal(Category.CONTENT))
    variables: Mapped[dict[str, Any]] = mapped_column(default=dict, info=personal(Category.CONTENT))
    expected: Mapped[Any] = mapped_column(
        JSONB(none_as_null=True), nullable=True, info=personal(Category.CONTENT)
    )
    tags: Mapped[list[Any]] = mapped_column(default=list, info=plain())
    labels: Mapped[dict[str, Any]] = mapped_column(
        "metadata", default=dict, info=personal(Category.CONTENT)
    )
    digest: Mapped[str] = mapped_column(info=plain())
