"""Runs of workflows, what their steps gave, and what they wait for."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Numeric, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import Category, Handling, personal, plain
from app.core.db import Row


class WorkflowRun(Row):
    """What a run of a workflow is to do; its state is that of the row in `runs` with its id.

    `definition` is the version's own. `interpreter` is the version of the engine that began it.
    `admitted_at` is when its turn came, where its workflow limits how many run. `paused_at` is set
    while a person holds it, `stopped_at` once one has it undo what it did and end.
    `reused_from_id` is the run whose steps it took over.
    """

    __tablename__ = "workflow_runs"
    __table_args__ = (
        Index("ix_workflow_runs_list", "workspace_id", "created_at", "id"),
        Index("ix_workflow_runs_workflow", "workflow_id", "created_at"),
        Index("ix_workflow_runs_parent", "parent_run_id"),
        Index(
            "ix_workflow_runs_trigger",
            "trigger_id",
            "created_at",
            postgresql_where=text("trigger_id is not null"),
        ),
        Index(
            "ix_workflow_runs_turn",
            "workspace_id",
            "concurrency_key",
            postgresql_where=text("concurrency_key is not null and ended_at is null"),
        ),
        Index(
            "ix_workflow_runs_rate",
            "workspace_id",
            "rate_key",
            "admitted_at",
            postgresql_where=text("rate_key is not null"),
        ),
    )
    __handling__ = Handling(
        "carry workflows out and say how they went",
        subject="user_id",
        retention="runs",
        aged_by="ended_at",
        audited=False,
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    user_id: Mapped[UUID]
    workflow_id: Mapped[UUID | None]
    workflow_version: Mapped[int | None]
    workflow_slug: Mapped[str] = mapped_column(info=plain())
    workflow_name: Mapped[str] = mapped_column(info=plain())
    definition: Mapped[dict[str, Any]] = mapped_column(info=plain())
    inputs: Mapped[dict[str, Any]] = mapped_column(info=personal(Category.CONTENT))
    interpreter: Mapped[int]
    trigger: Mapped[str] = mapped_column(info=plain())
    trigger_id: Mapped[UUID | None]
    parent_run_id: Mapped[UUID | None]
    parent_path: Mapped[str | None] = mapped_column(info=plain())
    depth: Mapped[int] = mapped_column(default=0)
    priority: Mapped[int]
    concurrency_key: Mapped[str | None] = mapped_column(info=personal(Category.CONTENT))
    rate_key: Mapped[str | None] = mapped_column(info=personal(Category.CONTENT))
    admitted_at: Mapped[datetime | None]
    paused_at: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]
    deadline_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    reused_from_id: Mapped[UUID | None]
    labels: Mapped[dict[str, Any]] = mapped_column(
        "metadata", default=dict, info=personal(Category.CONTENT)
    )


class WorkflowStep(Row):
    """One attempt at a node, or the end of a container; written once, at its end.

    `path` is where the node stands (`m[3]/x`). `status`: ok, error, cached, or started where a step
    that must not be done twice is under way. `position` orders the ends of a run. `retry_at` is set
    where another attempt follows. `copied` ones were done by another run.
    """

    __tablename__ = "workflow_steps"
    __table_args__ = (
        Index("uq_workflow_steps_place", "run_id", "path", "attempt", unique=True),
        Index("ix_workflow_steps_workspace_id", "workspace_id"),
    )
    __handling__ = Handling(
        "go on with a workflow's run where its process died, and show what it did",
        through=("run_id", "workflow_runs"),
        audited=False,
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    run_id: Mapped[UUID] = mapped_column(ForeignKey("workflow_runs.id", ondelete="CASCADE"))
    path: Mapped[str] = mapped_column(info=plain())
    attempt: Mapped[int]
    node_id: Mapped[str] = mapped_column(info=plain())
    node_type: Mapped[str] = mapped_column(info=plain())
    status: Mapped[str] = mapped_column(info=plain())
    position: Mapped[int]
    port: Mapped[str] = mapped_column(default="out", info=plain())
    input: Mapped[Any] = mapped_column(JSONB, nullable=True, info=personal(Category.CONTENT))
    output: Mapped[Any] = mapped_column(JSONB, nullable=True, info=personal(Category.CONTENT))
    error: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB(none_as_null=True), info=personal(Category.CONTENT)
    )
    undo: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB(none_as_null=True), info=personal(Category.CONTENT)
    )
    logs: Mapped[list[Any]] = mapped_column(default=list, info=personal(Category.CONTENT))
    input_tokens: Mapped[int] = mapped_column(default=0)
    output_tokens: Mapped[int] = mapped_column(default=0)
    cost_usd: Mapped[Decimal | None] = mapped_column(Numeric(18, 9))
    copied: Mapped[bool] = mapped_column(default=False)
    ready_at: Mapped[datetime | None]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    retry_at: Mapped[datetime | None]


class WorkflowWait(Row):
    """What a run waits for: `kind` is time, approval, event or run; `subject` what of it.

    `status`: open, brought, expired, or closed where its run ended first. `brought` is what came.
    `shown` and `assignees` are for people who are to decide; `meant` is who these were when it was
    given to them: ids of users, roles, and an id with an address that is yet to be verified.
    """

    __tablename__ = "workflow_waits"
    __table_args__ = (
        Index("uq_workflow_waits_place", "run_id", "path", "attempt", unique=True),
        Index("ix_workflow_waits_list", "workspace_id", "kind", "created_at", "id"),
        Index("ix_workflow_waits_due", "until", postgresql_where=text("status = 'open'")),
        Index(
            "ix_workflow_waits_subject",
            "workspace_id",
            "kind",
            "subject",
            postgresql_where=text("status = 'open'"),
        ),
    )
    __handling__ = Handling(
        "let people and events decide how a workflow goes on",
        through=("run_id", "workflow_runs"),
        mentions=("decided_by_id", "assignees", "meant"),
        reason="what was decided stays; who decided, and who was to, is forgotten",
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    run_id: Mapped[UUID] = mapped_column(ForeignKey("workflow_runs.id", ondelete="CASCADE"))
    user_id: Mapped[UUID]
    path: Mapped[str] = mapped_column(info=plain())
    attempt: Mapped[int]
    node_id: Mapped[str] = mapped_column(info=plain())
    kind: Mapped[str] = mapped_column(info=plain())
    status: Mapped[str] = mapped_column(default="open", info=plain())
    subject: Mapped[str | None] = mapped_column(info=plain())
    match: Mapped[str | None] = mapped_column(info=plain())
    shown: Mapped[dict[str, Any]] = mapped_column(default=dict, info=personal(Category.CONTENT))
    assignees: Mapped[list[Any]] = mapped_column(default=list, info=personal(Category.IDENTITY))
    meant: Mapped[list[Any]] = mapped_column(
        default=list, server_default=text("'[]'::jsonb"), info=personal(Category.IDENTITY)
    )
    brought: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB(none_as_null=True), info=personal(Category.CONTENT)
    )
    until: Mapped[datetime | None]
    decided_by_id: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]


class StepCache(Row):
    """What a step gave, to be taken again for the same key until `expires_at`."""

    __tablename__ = "workflow_step_cache"
    __table_args__ = (
        Index("uq_workflow_step_cache_key", "workspace_id", "key", unique=True),
        Index("ix_workflow_step_cache_expires_at", "expires_at"),
    )
    __handling__ = Handling("do a step once for the same input", subject="user_id", audited=False)

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    user_id: Mapped[UUID]
    key: Mapped[str] = mapped_column(info=plain())
    given: Mapped[dict[str, Any]] = mapped_column(info=personal(Category.CONTENT))
    expires_at: Mapped[datetime]
