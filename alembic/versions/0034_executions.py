"""Runs that pause; executions of agents, their steps, approvals."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.core.migration_ops import grant, protect

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

TABLES = ("executions", "execution_steps", "tool_approvals")


def upgrade() -> None:
    _executions()
    _steps()
    _approvals()
    for table in TABLES:
        grant(table)
        protect(table)


def _executions() -> None:
    table = "executions"
    op.create_table(
        table,
        *_begin(),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("agent_id", sa.UUID(), nullable=True),
        sa.Column("agent_version", sa.Integer(), nullable=True),
        sa.Column("agent_slug", sa.Text(), nullable=False),
        sa.Column("agent_name", sa.Text(), nullable=False),
        sa.Column("definition", postgresql.JSONB(), nullable=False),
        sa.Column("messages", postgresql.JSONB(), nullable=False),
        sa.Column("variables", postgresql.JSONB(), nullable=False),
        sa.Column("instructions", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("budget_usd", sa.Numeric(18, 9), nullable=True),
        sa.Column("conversation_id", sa.UUID(), nullable=True),
        sa.Column("parent_run_id", sa.UUID(), nullable=True),
        sa.Column("forked_from_id", sa.UUID(), nullable=True),
        sa.Column("forked_at", sa.Integer(), nullable=True),
        sa.Column("active_seconds", sa.Float(), nullable=False),
        sa.Column("metadata", postgresql.JSONB(), nullable=False),
        *_end(),
        *_references(table),
    )
    op.create_index(f"ix_{table}_list", table, ["workspace_id", "user_id", "created_at", "id"])
    op.create_index(f"ix_{table}_agent", table, ["agent_id", "created_at"])
    op.create_index(f"ix_{table}_parent", table, ["parent_run_id"])


def _steps() -> None:
    table = "execution_steps"
    op.create_table(
        table,
        *_begin(),
        sa.Column("execution_id", sa.UUID(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("agent_slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("arguments", postgresql.JSONB(), nullable=True),
        sa.Column("outcome", postgresql.JSONB(), nullable=True),
        sa.Column("context", postgresql.JSONB(), nullable=True),
        sa.Column("is_error", sa.Boolean(), nullable=False),
        sa.Column("copied", sa.Boolean(), nullable=False),
        sa.Column("input_tokens", sa.Integer(), nullable=False),
        sa.Column("output_tokens", sa.Integer(), nullable=False),
        sa.Column("cost_usd", sa.Numeric(18, 9), nullable=True),
        sa.Column("first_token_ms", sa.Integer(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        *_end(),
        *_references(table),
        _to(table, "execution_id", "executions"),
    )
    op.create_index(
        f"uq_{table}_place", table, ["execution_id", "path", "number", "call_id"], unique=True
    )
    op.create_index(f"ix_{table}_workspace_id", table, ["workspace_id"])


def _approvals() -> None:
    table = "tool_approvals"
    op.create_table(
        table,
        *_begin(),
        sa.Column("execution_id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("agent_slug", sa.Text(), nullable=False),
        sa.Column("tool", sa.Text(), nullable=False),
        sa.Column("arguments", postgresql.JSONB(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by_id", sa.UUID(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        *_end(),
        *_references(table),
        _to(table, "execution_id", "executions"),
    )
    op.create_index(
        f"uq_{table}_call", table, ["execution_id", "path", "number", "call_id"], unique=True
    )
    op.create_index(f"ix_{table}_list", table, ["workspace_id", "created_at", "id"])
    op.create_index(
        f"ix_{table}_due",
        table,
        ["expires_at"],
        postgresql_where=sa.text("status = 'pending'"),
    )


def _begin() -> tuple[sa.Column, ...]:
    return tuple(sa.Column(name, sa.UUID(), nullable=False) for name in ("id", "workspace_id"))


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
