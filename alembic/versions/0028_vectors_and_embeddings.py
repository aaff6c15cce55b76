"""Vectors beside their passages where pgvector is there; embeddings that are kept."""

import sqlalchemy as sa
from alembic import op

from app.core.migration_ops import grant, protect
from app.knowledge.vectors import table

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "embedding_cache",
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_embedding_cache_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "sha256", "model", name=op.f("pk_embedding_cache")),
    )
    op.create_index("ix_embedding_cache_used_at", "embedding_cache", ["used_at"])
    grant("embedding_cache")
    protect("embedding_cache")
    # What a person wrote is to leave nothing behind, not even what it means.
    op.execute("""
        create function luminous_forget_embedding() returns trigger language plpgsql as $$
        begin
            delete from embedding_cache
            where workspace_id = old.workspace_id and sha256 = old.content_sha256;
            return null;
        end $$
    """)
    op.execute(
        "create trigger passages_forgotten after delete on passages for each row "
        "when (old.user_id is not null) execute function luminous_forget_embedding()"
    )
    table.create()


def downgrade() -> None:
    op.execute(f"drop table if exists {table.NAME}")
    op.execute("drop trigger passages_forgotten on passages")
    op.execute("drop function luminous_forget_embedding()")
    op.drop_table("embedding_cache")
