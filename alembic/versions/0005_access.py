"""Members, roles, invitations, shares, service accounts and what keys may do."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.core.migration_ops import USER, WORKSPACE, count_versions, grant, protect

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

NEW_TABLES = ("roles", "invitations", "service_accounts", "shares")


def upgrade() -> None:
    op.add_column("workspaces", sa.Column("deleted_at", sa.DateTime(timezone=True)))
    make_roles()
    op.add_column("memberships", sa.Column("role_id", sa.UUID()))
    op.add_column("memberships", sa.Column("suspended_at", sa.DateTime(timezone=True)))
    op.create_foreign_key(
        op.f("fk_memberships_role_id"), "memberships", "roles", ["role_id"], ["id"]
    )
    op.create_index(op.f("ix_memberships_role_id"), "memberships", ["role_id"], unique=False)
    make_invitations()
    make_service_accounts()
    make_shares()
    widen_api_keys()
    for table in NEW_TABLES:
        grant(table)
        count_versions(table)
    # A person's own standing is resolved before the workspace is known.
    protect(
        "roles",
        f"workspace_id = {WORKSPACE} or workspace_id in "
        f"(select workspace_id from memberships where user_id = {USER})",
    )
    for table in ("invitations", "service_accounts", "shares"):
        protect(table)


def make_roles() -> None:
    op.create_table(
        "roles",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("permissions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        *times_and_version(),
        workspace_key("roles"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roles")),
    )
    op.create_index(
        "uq_roles_name",
        "roles",
        ["workspace_id", sa.literal_column("lower(name)")],
        unique=True,
        postgresql_where=sa.text("deleted_at is null"),
    )


def make_invitations() -> None:
    op.create_table(
        "invitations",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("role_id", sa.UUID(), nullable=True),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("max_uses", sa.Integer(), nullable=False),
        sa.Column("use_count", sa.Integer(), nullable=False),
        sa.Column("invited_by_id", sa.UUID(), nullable=True),
        sa.Column("accepted_by_id", sa.UUID(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        *times_and_version(),
        workspace_key("invitations"),
        sa.ForeignKeyConstraint(["role_id"], ["roles.id"], name=op.f("fk_invitations_role_id")),
        user_key("invitations", "invited_by_id", "SET NULL"),
        user_key("invitations", "accepted_by_id", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invitations_token_hash")),
    )
    op.create_index("ix_invitations_list", "invitations", ["workspace_id", "created_at", "id"])
    op.create_index("ix_invitations_email", "invitations", ["workspace_id", "email"])
    op.create_index(op.f("ix_invitations_role_id"), "invitations", ["role_id"])


def make_service_accounts() -> None:
    op.create_table(
        "service_accounts",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("created_by_id", sa.UUID(), nullable=True),
        *times_and_version(),
        workspace_key("service_accounts"),
        user_key("service_accounts", "user_id", "CASCADE"),
        user_key("service_accounts", "created_by_id", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_accounts")),
        sa.UniqueConstraint("user_id", name=op.f("uq_service_accounts_user_id")),
    )
    op.create_index(
        "ix_service_accounts_list", "service_accounts", ["workspace_id", "created_at", "id"]
    )


def make_shares() -> None:
    op.create_table(
        "shares",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("resource_type", sa.Text(), nullable=False),
        sa.Column("resource_id", sa.UUID(), nullable=False),
        sa.Column("grantee_type", sa.Text(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=True),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column("role_id", sa.UUID(), nullable=True),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by_id", sa.UUID(), nullable=True),
        *times_and_version(),
        workspace_key("shares"),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["memberships.id"],
            name=op.f("fk_shares_member_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["role_id"], ["roles.id"], name=op.f("fk_shares_role_id"), ondelete="CASCADE"
        ),
        user_key("shares", "created_by_id", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shares")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_shares_token_hash")),
    )
    op.create_index("ix_shares_list", "shares", ["workspace_id", "resource_id", "created_at", "id"])
    op.create_index("uq_shares_member", "shares", ["resource_id", "member_id"], unique=True)
    op.create_index("uq_shares_role", "shares", ["resource_id", "role"], unique=True)
    op.create_index("uq_shares_custom_role", "shares", ["resource_id", "role_id"], unique=True)
    op.create_index(op.f("ix_shares_member_id"), "shares", ["member_id"])
    op.create_index(op.f("ix_shares_role_id"), "shares", ["role_id"])


def widen_api_keys() -> None:
    empty = sa.text("'[]'::jsonb")
    for column in (
        sa.Column("issued_by_id", sa.UUID()),
        sa.Column("previous_secret_hash", sa.LargeBinary()),
        sa.Column("previous_valid_until", sa.DateTime(timezone=True)),
        sa.Column("allowed_addresses", postgresql.JSONB(), server_default=empty, nullable=False),
        sa.Column("limits", postgresql.JSONB(), server_default=empty, nullable=False),
        sa.Column("last_used_address", sa.Text()),
    ):
        op.add_column("api_keys", column)
    op.create_foreign_key(
        op.f("fk_api_keys_issued_by_id"),
        "api_keys",
        "users",
        ["issued_by_id"],
        ["id"],
        ondelete="SET NULL",
    )
    op.create_unique_constraint(
        op.f("uq_api_keys_previous_secret_hash"), "api_keys", ["previous_secret_hash"]
    )


def times_and_version() -> list[sa.Column]:
    return [
        *(
            sa.Column(
                name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
            )
            for name in ("created_at", "updated_at")
        ),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
    ]


def workspace_key(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["workspace_id"],
        ["workspaces.id"],
        name=op.f(f"fk_{table}_workspace_id"),
        ondelete="CASCADE",
    )


def user_key(table: str, column: str, ondelete: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], ["users.id"], name=op.f(f"fk_{table}_{column}"), ondelete=ondelete
    )


def downgrade() -> None:
    for column in (
        "issued_by_id",
        "previous_secret_hash",
        "previous_valid_until",
        "allowed_addresses",
        "limits",
        "last_used_address",
    ):
        op.drop_column("api_keys", column)
    for table in ("shares", "service_accounts", "invitations"):
        op.drop_table(table)
    op.drop_column("memberships", "suspended_at")
    op.drop_column("memberships", "role_id")
    op.drop_table("roles")
    op.drop_column("workspaces", "deleted_at")
