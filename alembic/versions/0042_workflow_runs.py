"""Runs of workflows, their steps and waits, and the cache of steps."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.core.migration_ops import grant, protect

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

TABLES = ("workflow_runs", "workflow_steps", "workflow_waits", "workflow_step_cache")


def upgrade() -> None:
    _runs()
    _steps()
    _waits()
    _cache()
    for table in TABLES:
        grant(table)
        protect(table)


def _runs() -> None:
    table = "workflow_runs"
    op.create_table(
        table,
        *_begin(),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("workflow_id", sa.UUID(), nullable=True),
        sa.Column("workflow_version", sa.Integer(), nullable=True),
        sa.Column("workflow_slug", sa.Text(), nullable=False),
        sa.Column("workflow_name", sa.Text(), nullable=False),
        sa.Column("definition", postgresql.JSONB(), nullable=False),
        sa.Column("inputs", postgresql.JSONB(), nullable=False),
        sa.Column("interpreter", sa.Integer(), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("trigger_id", sa.UUID(), nullable=True),
        sa.Column("parent_run_id", sa.UUID(), nullable=True),
        sa.Column("parent_path", sa.Text(), nullable=True),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("concurrency_key", sa.Text(), nullable=True),
        sa.Column("rate_key", sa.Text(), nullable=True),
        _moment("admitted_at"),
        _moment("paused_at"),
        _moment("stopped_at"),
        _moment("deadline_at"),
        _moment("ended_at"),
        sa.Column("reused_from_id", sa.UUID(), nullable=True),
        sa.Column("metadata", postgresql.JSONB(), nullable=False),
        *_end(),
        *_references(table),
    )
    op.create_index(f"ix_{table}_list", table, ["workspace_id", "created_at", "id"])
    op.create_index(f"ix_{table}_workflow", table, ["workflow_id", "created_at"])
    op.create_index(f"ix_{table}_parent", table, ["parent_run_id"])
    op.create_index(
        f"ix_{table}_turn",
        table,
        ["workspace_id", "concurrency_key"],
        postgresql_where=sa.text("concurrency_key is not null and ended_at is null"),
    )
    op.create_index(
        f"ix_{table}_rate",
        table,
        ["workspace_id", "rate_key", "admitted_at"],
        postgresql_where=sa.text("rate_key is not null"),
    )


def _steps() -> None:
    table = "workflow_steps"
    op.create_table(
        table,
        *_begin(),
        sa.Column("run_id", sa.UUID(), nullable=False),
        *_place(),
        sa.Column("node_type", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("port", sa.Text(), nullable=False),
        sa.Column("input", postgresql.JSONB(), nullable=True),
        sa.Column("output", postgresql.JSONB(), nullable=True),
        sa.Column("error", postgresql.JSONB(), nullable=True),
        sa.Column("undo", postgresql.JSONB(), nullable=True),
        sa.Column("logs", postgresql.JSONB(), nullable=False),
        sa.Column("input_tokens", sa.Integer(), nullable=False),
        sa.Column("output_tokens", sa.Integer(), nullable=False),
        sa.Column("cost_usd", sa.Numeric(18, 9), nullable=True),
        sa.Column("copied", sa.Boolean(), nullable=False),
        _moment("ready_at"),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        _moment("ended_at"),
        _moment("retry_at"),
        *_end(),
        *_references(table),
        _to(table, "run_id", "workflow_runs"),
    )
    op.create_index(f"uq_{table}_place", table, ["run_id", "path", "attempt"], unique=True)
    op.create_index(f"ix_{table}_workspace_id", table, ["workspace_id"])


def _waits() -> None:
    table = "workflow_waits"
    op.create_table(
        table,
        *_begin(),
        sa.Column("run_id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        *_place(),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("match", sa.Text(), nullable=True),
        sa.Column("shown", postgresql.JSONB(), nullable=False),
        sa.Column("assignees", postgresql.JSONB(), nullable=False),
        sa.Column("brought", postgresql.JSONB(), nullable=True),
        _moment("until"),
        sa.Column("decided_by_id", sa.UUID(), nullable=True),
        _moment("decided_at"),
        *_end(),
        *_references(table),
        _to(table, "run_id", "workflow_runs"),
    )
    op.create_index(f"uq_{table}_place", table, ["run_id", "path", "attempt"], unique=True)
    op.create_index(f"ix_{table}_list", table, ["workspace_id", "kind", "created_at", "id"])
    open_ones = sa.text("status = 'open'")
    op.create_index(f"ix_{table}_due", table, ["until"], postgresql_where=open_ones)
    op.create_index(
        f"ix_{table}_subject",
        table,
        ["workspace_id", "kind", "subject"],
        postgresql_where=open_ones,
    )


def _cache() -> None:
    table = "workflow_step_cache"
    op.create_table(
        table,
        *_begin(),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("given", postgresql.JSONB(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        *_end(),
        *_references(table),
    )
    op.create_index(f"uq_{table}_key", table, ["workspace_id", "key"], unique=True)
    op.create_index(f"ix_{table}_expires_at", table, ["expires_at"])


def _begin() -> tuple[sa.Column, ...]:
    return tuple(sa.Column(name, sa.UUID(), nullable=False) for name in ("id", "workspace_id"))


def _place() -> tuple[sa.Column, ...]:
    return (
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("node_id", sa.Text(), nullable=False),
    )


def _moment(name: str) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=True)


def _end() -> tuple[sa.Column, ...]:
    moment, begin = sa.DateTime(timezone=True), sa.text("now()")
    return (
        sa.Column("created_at", moment, server_default=begin, nullable=False),
        sa.Column("updated_at", moment, server_default=begin, nullable=False),
    )


def _references(table: str) -> tuple[sa.Constraint, ...]:
    return (
        _to(table, "workspace_id", "workspaces"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )


def _to(table: str, column: str, target: str) -> sa.Constraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"), ondelete="CASCADE"
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
