"""Batches, their files and their lines."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.core.migration_ops import count_versions, grant, protect

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def _head(table: str) -> tuple[sa.Column | sa.Constraint, ...]:
    return (
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f(f"fk_{table}_workspace_id_workspaces"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )


def _of_batch(table: str) -> tuple[sa.Column | sa.Constraint, ...]:
    return (
        sa.Column("batch_id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["batches.id"],
            name=op.f(f"fk_{table}_batch_id_batches"),
            ondelete="CASCADE",
        ),
    )


def _times() -> tuple[sa.Column, sa.Column]:
    moment, begin = sa.DateTime(timezone=True), sa.text("now()")
    return (
        sa.Column("created_at", moment, server_default=begin, nullable=False),
        sa.Column("updated_at", moment, server_default=begin, nullable=False),
    )


def upgrade() -> None:
    json, moment = postgresql.JSONB(), sa.DateTime(timezone=True)
    op.create_table(
        "stored_files",
        *_head("stored_files"),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        *_times(),
    )
    op.create_index("ix_stored_files_list", "stored_files", ["workspace_id", "created_at", "id"])
    op.create_table(
        "batches",
        *_head("batches"),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("run_id", sa.UUID(), nullable=False),
        sa.Column("file_id", sa.UUID(), nullable=True),
        sa.Column("endpoint", sa.Text(), nullable=True),
        sa.Column("processing", sa.Text(), nullable=False),
        sa.Column("labels", json, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("succeeded", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("error", json, nullable=True),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("ended_at", moment, nullable=True),
        *_times(),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
    )
    op.create_index("ix_batches_list", "batches", ["workspace_id", "created_at", "id"])
    op.create_table(
        "batch_lines",
        *_head("batch_lines"),
        *_of_batch("batch_lines"),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("custom_id", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("body", json, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("answer", json, nullable=True),
        sa.Column("request_id", sa.UUID(), nullable=True),
        sa.Column("part_id", sa.UUID(), nullable=True),
        *_times(),
    )
    for name, column in (("position", "position"), ("custom_id", "custom_id")):
        op.create_index(f"uq_batch_lines_{name}", "batch_lines", ["batch_id", column], unique=True)
    op.create_index(
        "ix_batch_lines_open", "batch_lines", ["batch_id", "position"],
        postgresql_where=sa.text("status IN ('pending', 'submitted')"),
    )  # fmt: skip
    op.create_index("ix_batch_lines_workspace_id", "batch_lines", ["workspace_id"])
    op.create_table(
        "batch_parts",
        *_head("batch_parts"),
        *_of_batch("batch_parts"),
        sa.Column("integration_id", sa.UUID(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("upstream_id", sa.Text(), nullable=True),
        sa.Column("done", sa.Boolean(), nullable=False),
        *_times(),
    )
    op.create_index("ix_batch_parts_batch", "batch_parts", ["batch_id"])
    op.create_index("ix_batch_parts_workspace_id", "batch_parts", ["workspace_id"])
    for table in ("stored_files", "batches", "batch_lines", "batch_parts"):
        grant(table)
        protect(table)
    count_versions("batches")


def downgrade() -> None:
    for table in ("batch_parts", "batch_lines", "batches", "stored_files"):
        op.drop_table(table)
