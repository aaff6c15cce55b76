"""Versions of resources, counted by a trigger, and the answers that an Idempotency-Key repeats."""

import sqlalchemy as sa
from alembic import op

from app.core.migration_ops import WORKSPACE, count_versions, grant, protect

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

VERSIONED = ("users", "workspaces", "memberships", "ai_integrations", "conversations", "api_keys")


def upgrade() -> None:
    op.execute("""
        create function luminous_count_version() returns trigger language plpgsql as $$
        begin
            new.version := old.version + 1;
            return new;
        end $$
    """)
    for table in VERSIONED:
        op.add_column(
            table, sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False)
        )
        # Being used is no change of a key.
        count_versions(table, unless_changed="last_used_at" if table == "api_keys" else None)
    op.create_table(
        "idempotency_keys",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=True),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("sealed_answer", sa.LargeBinary(), nullable=True),
        sa.Column("run_id", sa.UUID(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_idempotency_keys_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idempotency_keys")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_idempotency_keys_key_hash")),
    )
    op.create_index(
        op.f("ix_idempotency_keys_created_at"), "idempotency_keys", ["created_at"], unique=False
    )
    grant("idempotency_keys")
    protect("idempotency_keys", f"workspace_id = {WORKSPACE}")


def downgrade() -> None:
    op.drop_table("idempotency_keys")
    for table in VERSIONED:
        op.execute(f"drop trigger {table}_version on {table}")
        op.drop_column(table, "version")
    op.execute("drop function luminous_count_version()")
