"""Accounts: standing, verification, profile, mail."""

import sqlalchemy as sa
from alembic import op

from app.core.migration_ops import SYSTEM, USER, WORKSPACE, grant, protect

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def user_columns() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("email_verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("kind", sa.Text(), server_default="person", nullable=False),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("deactivated_by", sa.Text(), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("locale", sa.Text(), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=True),
        sa.Column("avatar_etag", sa.Text(), nullable=True),
    )


def times() -> tuple[sa.Column[object], ...]:
    return tuple(
        sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)
        for name in ("created_at", "updated_at")
    )


def upgrade() -> None:
    for column in user_columns():
        op.add_column("users", column)
    op.alter_column("users", "password_hash", existing_type=sa.Text(), nullable=True)
    op.create_index(
        "ix_users_deleted_at",
        "users",
        ["deleted_at"],
        postgresql_where=sa.text("deleted_at is not null"),
    )
    op.create_table(
        "user_avatars",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("picture", sa.LargeBinary(), nullable=False),
        *times(),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_user_avatars_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_avatars")),
        sa.UniqueConstraint("user_id", name=op.f("uq_user_avatars_user_id")),
    )
    grant("user_avatars")
    protect("user_avatars", f"user_id = {USER}")
    # Whoever shares the workspace of a transaction sees the picture, and cannot change it.
    op.execute(
        "create policy user_avatars_shared on user_avatars for select using "
        f"(user_id in (select user_id from memberships where workspace_id = {WORKSPACE}))"
    )
    op.create_table(
        "account_tokens",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        *times(),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_account_tokens_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_account_tokens_token_hash")),
    )
    op.create_index(op.f("ix_account_tokens_user_id"), "account_tokens", ["user_id"])
    op.create_index("ix_account_tokens_expires_at", "account_tokens", ["expires_at"])
    op.create_index("ix_account_tokens_email", "account_tokens", ["email", "created_at"])
    grant("account_tokens")
    protect("account_tokens", f"user_id = {USER}")
    op.create_table(
        "outgoing_mails",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=True),
        sa.Column("to_address", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("sealed_body", sa.LargeBinary(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        *times(),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_outgoing_mails_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outgoing_mails")),
    )
    op.create_index(
        "ix_outgoing_mails_due",
        "outgoing_mails",
        ["due_at"],
        postgresql_where=sa.text("status = 'queued'"),
    )
    op.create_index("ix_outgoing_mails_created_at", "outgoing_mails", ["created_at"])
    op.create_index(op.f("ix_outgoing_mails_user_id"), "outgoing_mails", ["user_id"])
    grant("outgoing_mails")
    # Any transaction may queue a mail; none but the system's reads them.
    op.execute("alter table outgoing_mails enable row level security")
    op.execute("alter table outgoing_mails force row level security")
    op.execute(f"create policy outgoing_mails_system on outgoing_mails using ({SYSTEM})")
    op.execute("create policy outgoing_mails_queue on outgoing_mails for insert with check (true)")


def downgrade() -> None:
    op.drop_table("outgoing_mails")
    op.drop_table("account_tokens")
    op.drop_table("user_avatars")
    op.drop_index(
        "ix_users_deleted_at",
        table_name="users",
        postgresql_where=sa.text("deleted_at is not null"),
    )
    # An account without a password cannot be told to an older version but by one that matches none.
    op.execute("update users set password_hash = '!' where password_hash is null")
    op.alter_column("users", "password_hash", existing_type=sa.Text(), nullable=False)
    for column in reversed(user_columns()):
        op.drop_column("users", column.name)
