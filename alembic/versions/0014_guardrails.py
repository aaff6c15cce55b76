"""Guardrails."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.core.migration_ops import count_versions, grant, protect

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment, begin = sa.DateTime(timezone=True), sa.text("now()")
    op.create_table(
        "guardrails",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("applies_to", postgresql.JSONB(), nullable=False),
        sa.Column("checks", postgresql.JSONB(), nullable=False),
        sa.Column("deleted_at", moment, nullable=True),
        sa.Column("created_at", moment, server_default=begin, nullable=False),
        sa.Column("updated_at", moment, server_default=begin, nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_guardrails_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guardrails")),
    )
    op.create_index("ix_guardrails_list", "guardrails", ["workspace_id", "created_at", "id"])
    op.add_column(
        "model_calls",
        sa.Column("guardrails", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
    )
    count_versions("guardrails")
    grant("guardrails")
    protect("guardrails")


def downgrade() -> None:
    op.drop_column("model_calls", "guardrails")
    op.drop_table("guardrails")
