"""Policies of the response cache."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.core.migration_ops import count_versions, grant, protect

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment, begin = sa.DateTime(timezone=True), sa.text("now()")
    op.create_table(
        "response_caches",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("applies_to", postgresql.JSONB(), nullable=False),
        sa.Column("models", postgresql.JSONB(), nullable=True),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("exact", sa.Boolean(), nullable=False),
        sa.Column("similarity", sa.Float(), nullable=True),
        sa.Column("embedding_model", sa.Text(), nullable=True),
        sa.Column("ttl_seconds", sa.Integer(), nullable=False),
        sa.Column("max_entries", sa.Integer(), nullable=False),
        sa.Column("max_answer_bytes", sa.Integer(), nullable=False),
        sa.Column("zero_temperature_only", sa.Boolean(), nullable=False),
        sa.Column("caches_tool_calls", sa.Boolean(), nullable=False),
        sa.Column("coalesces", sa.Boolean(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("deleted_at", moment, nullable=True),
        sa.Column("created_at", moment, server_default=begin, nullable=False),
        sa.Column("updated_at", moment, server_default=begin, nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_response_caches_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_response_caches")),
    )
    op.create_index(
        "ix_response_caches_list", "response_caches", ["workspace_id", "created_at", "id"]
    )
    count_versions("response_caches")
    grant("response_caches")
    protect("response_caches")


def downgrade() -> None:
    op.drop_table("response_caches")
