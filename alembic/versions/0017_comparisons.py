"""Comparisons of models."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.core.migration_ops import count_versions, grant, protect

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    json, moment, begin = postgresql.JSONB(), sa.DateTime(timezone=True), sa.text("now()")
    op.create_table(
        "comparisons",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("run_id", sa.UUID(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("messages", json, nullable=False),
        sa.Column("parameters", json, nullable=False),
        sa.Column("candidates", json, nullable=False),
        sa.Column("teaches", sa.Text(), nullable=True),
        sa.Column("choice", sa.Text(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("chosen_at", moment, nullable=True),
        sa.Column("ended_at", moment, nullable=True),
        sa.Column("deleted_at", moment, nullable=True),
        sa.Column("created_at", moment, server_default=begin, nullable=False),
        sa.Column("updated_at", moment, server_default=begin, nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_comparisons_workspace_id_workspaces"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comparisons")),
    )
    op.create_index(
        "ix_comparisons_list", "comparisons", ["workspace_id", "user_id", "created_at", "id"]
    )
    grant("comparisons")
    protect("comparisons")
    count_versions("comparisons")


def downgrade() -> None:
    op.drop_table("comparisons")
