"""Second factors, and what a session knows of its own proof and use."""

import sqlalchemy as sa
from alembic import op

from app.core.migration_ops import USER, count_versions, grant, protect

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = ("totp_factors", "recovery_codes", "passkeys")


def times() -> list[sa.Column]:
    return [
        sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)
        for name in ("created_at", "updated_at")
    ]


def of_user(table: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f(f"fk_{table}_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    ]


def upgrade() -> None:
    for name in ("authenticated_at", "last_used_at"):
        op.add_column(
            "user_sessions",
            sa.Column(
                name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
            ),
        )
    op.execute("update user_sessions set authenticated_at = created_at, last_used_at = updated_at")
    for name in ("second_factor", "cookie_only"):
        op.add_column(
            "user_sessions",
            sa.Column(name, sa.Boolean(), server_default=sa.text("false"), nullable=False),
        )
    op.create_index(op.f("ix_user_sessions_expires_at"), "user_sessions", ["expires_at"])
    op.create_index(op.f("ix_user_sessions_revoked_at"), "user_sessions", ["revoked_at"])
    op.create_table(
        "totp_factors",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=True),
        *times(),
        *of_user("totp_factors"),
        sa.UniqueConstraint("user_id", name=op.f("uq_totp_factors_user_id")),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        *times(),
        *of_user("recovery_codes"),
        sa.UniqueConstraint("code_hash", name=op.f("uq_recovery_codes_code_hash")),
    )
    op.create_index(op.f("ix_recovery_codes_user_id"), "recovery_codes", ["user_id"])
    op.create_table(
        "passkeys",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("transports", sa.dialects.postgresql.JSONB(), nullable=False),
        sa.Column("synced", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        *times(),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        *of_user("passkeys"),
        sa.UniqueConstraint("credential_id", name=op.f("uq_passkeys_credential_id")),
    )
    op.create_index(op.f("ix_passkeys_user_id"), "passkeys", ["user_id"])
    for table in TABLES:
        grant(table)
        protect(table, f"user_id = {USER}")
    protect("user_sessions", f"user_id = {USER}")
    # The policy of the sessions holds within this one too.
    protect("refresh_tokens", "session_id in (select id from user_sessions)")
    # Being used is no change of a passkey.
    count_versions("passkeys", unless_changed="last_used_at")


def downgrade() -> None:
    for table in ("refresh_tokens", "user_sessions"):
        op.execute(f"drop policy {table}_tenant on {table}")
        op.execute(f"alter table {table} no force row level security")
        op.execute(f"alter table {table} disable row level security")
    for table in reversed(TABLES):
        op.drop_table(table)
    op.drop_index(op.f("ix_user_sessions_revoked_at"), table_name="user_sessions")
    op.drop_index(op.f("ix_user_sessions_expires_at"), table_name="user_sessions")
    for name in ("cookie_only", "second_factor", "last_used_at", "authenticated_at"):
        op.drop_column("user_sessions", name)
