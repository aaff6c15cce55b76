"""Triggers of workflows, and each time one fired."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import now
from app.core.data import Category, Handling, personal, plain, secret
from app.core.db import Row
from app.core.restorable import Restorable


class WorkflowTrigger(Restorable):
    """Starts a workflow on behalf of `owner_id`, whose credential `caller` tells of.

    `kind`: cron, webhook, event or form; `settings` are those of its kind. `scheduled_at` is the
    next time of a cron trigger, and `next_at` when it fires for it, its jitter included.
    `token_number` counts the addresses that a webhook or a form has had. The secret before
    `sealed_secret` is good until `previous_until`. `failures` counts starts that failed in a row;
    at `max_failures` it is disabled. A change of `moved_at` is no new version.
    """

    __tablename__ = "workflow_triggers"
    __table_args__ = (
        Index("ix_workflow_triggers_list", "workspace_id", "created_at", "id"),
        Index("ix_workflow_triggers_workflow_id", "workflow_id"),
        Index("ix_workflow_triggers_owner_id", "owner_id"),
        Index(
            "ix_workflow_triggers_due",
            "next_at",
            postgresql_where=text("enabled and deleted_at is null and kind = 'cron'"),
        ),
        Index(
            "ix_workflow_triggers_event",
            "workspace_id",
            "event_type",
            postgresql_where=text("enabled and deleted_at is null and kind = 'event'"),
        ),
    )
    __handling__ = Handling("start workflows by themselves", subject="owner_id")

    workflow_id: Mapped[UUID] = mapped_column(ForeignKey("workflows.id", ondelete="CASCADE"))
    owner_id: Mapped[UUID]
    caller: Mapped[dict[str, Any]] = mapped_column(info=plain())
    name: Mapped[str] = mapped_column(info=plain())
    kind: Mapped[str] = mapped_column(info=plain())
    settings: Mapped[dict[str, Any]] = mapped_column(info=plain())
    event_type: Mapped[str | None] = mapped_column(info=plain())
    inputs: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True), info=plain())
    workflow_version: Mapped[int | None]
    label: Mapped[str | None] = mapped_column(info=plain())
    enabled: Mapped[bool] = mapped_column(default=True)
    disabled_reason: Mapped[str | None] = mapped_column(info=plain())
    token_number: Mapped[int] = mapped_column(default=1)
    sealed_secret: Mapped[bytes | None] = mapped_column(
        LargeBinary, info=secret(sealed_as="workflow_triggers/{id}")
    )
    sealed_previous: Mapped[bytes | None] = mapped_column(
        LargeBinary, info=secret(sealed_as="workflow_triggers/{id}")
    )
    previous_until: Mapped[datetime | None]
    scheduled_at: Mapped[datetime | None]
    next_at: Mapped[datetime | None]
    last_fired_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(default=0)
    max_failures: Mapped[int] = mapped_column(default=10)
    moved_at: Mapped[datetime | None]


class WorkflowDelivery(Row):
    """One time that a trigger fired, or refused to.

    `status`: pending, started, skipped, refused or failed; `reason` says why. `key` is the same
    however often the same thing comes, and is what its run is started with. `event` is what came;
    it is kept until the run is started. `depth` counts the runs behind it, each begun by an event
    of the one before. `caller` is the API key that it was fired with by hand.
    """

    __tablename__ = "workflow_deliveries"
    __table_args__ = (
        Index("uq_workflow_deliveries_key", "trigger_id", "key", unique=True),
        Index("ix_workflow_deliveries_list", "trigger_id", "created_at", "id"),
        Index(
            "ix_workflow_deliveries_turn",
            "workspace_id",
            "due_at",
            "id",
            postgresql_where=text("status = 'pending'"),
        ),
        Index("ix_workflow_deliveries_run_id", "run_id"),
        Index("ix_workflow_deliveries_workspace_id", "workspace_id"),
        Index("ix_workflow_deliveries_user_id", "user_id"),
    )
    __handling__ = Handling(
        "say what came of each time a trigger fired", subject="user_id", audited=False
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    trigger_id: Mapped[UUID] = mapped_column(ForeignKey("workflow_triggers.id", ondelete="CASCADE"))
    user_id: Mapped[UUID]
    key: Mapped[str] = mapped_column(info=plain())
    status: Mapped[str] = mapped_column(default="pending", info=plain())
    reason: Mapped[str | None] = mapped_column(info=plain())
    detail: Mapped[str | None] = mapped_column(info=personal(Category.CONTENT))
    event: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB(none_as_null=True), info=personal(Category.CONTENT)
    )
    caller: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True), info=plain())
    depth: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(default=now)
    run_id: Mapped[UUID | None]
    ended_at: Mapped[datetime | None]
