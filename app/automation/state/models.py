"""Values that a workflow keeps between its runs."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import Category, Handling, personal, plain
from app.core.db import Row


class WorkflowState(Row):
    """A value under a key. `number` counts its changes; `step` is what made the last one.

    A step is named by its run and path, so that it makes its change once, however often it is
    attempted.
    """

    __tablename__ = "workflow_state"
    __table_args__ = (
        Index("uq_workflow_state_key", "workflow_id", "key", unique=True),
        Index("ix_workflow_state_workspace_id", "workspace_id"),
        Index("ix_workflow_state_user_id", "user_id"),
    )
    __handling__ = Handling(
        "have a workflow go on where its last run left off",
        subject="user_id",
        erase="clear",
        reason="where a team's pipeline stands; it goes with the workflow",
        audited=False,
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    workflow_id: Mapped[UUID] = mapped_column(ForeignKey("workflows.id", ondelete="CASCADE"))
    user_id: Mapped[UUID | None]
    key: Mapped[str] = mapped_column(info=plain())
    value: Mapped[Any] = mapped_column(JSONB, nullable=True, info=personal(Category.CONTENT))
    number: Mapped[int]
    step: Mapped[str] = mapped_column(info=plain())
