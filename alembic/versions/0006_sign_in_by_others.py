"""Sign-in by other services, single sign-on and SCIM."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.core.migration_ops import USER, count_versions, grant, protect

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

OF_WORKSPACE = (
    "sso_connections", "sso_domains", "managed_accounts", "scim_tokens", "scim_users",
    "scim_groups", "scim_group_members",
)  # fmt: skip
VERSIONED = ("sso_connections", "scim_users", "scim_groups")


def upgrade() -> None:
    make_connections()
    make_domains()
    make_identities()
    make_managed_accounts()
    make_scim_tokens()
    make_scim_users()
    make_scim_groups()
    make_scim_group_members()
    for table in OF_WORKSPACE:
        grant(table)
        protect(table)
    grant("user_identities")
    protect("user_identities", f"user_id = {USER}")
    for table in VERSIONED:
        count_versions(table)
    # Being used is no change of a token, nor is being looked at one of a domain.
    count_versions("scim_tokens", unless_changed="last_used_at")
    count_versions("sso_domains", unless_changed="checked_at")


def make_connections() -> None:
    op.create_table(
        "sso_connections",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("settings", postgresql.JSONB(), nullable=False),
        sa.Column("sealed_client_secret", sa.LargeBinary(), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("create_members", sa.Boolean(), nullable=False),
        sa.Column("default_role", sa.Text(), nullable=False),
        sa.Column("group_roles", postgresql.JSONB(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        *times(),
        version(),
        key_to("sso_connections", "workspace_id", "workspaces"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_connections")),
    )
    op.create_index(
        "ix_sso_connections_list", "sso_connections", ["workspace_id", "created_at", "id"]
    )


def make_domains() -> None:
    op.create_table(
        "sso_domains",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("connection_id", sa.UUID(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("challenge", sa.Text(), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        *times(),
        version(),
        key_to("sso_domains", "workspace_id", "workspaces"),
        key_to("sso_domains", "connection_id", "sso_connections"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_domains")),
        sa.UniqueConstraint(
            "workspace_id", "domain", name=op.f("uq_sso_domains_workspace_id_domain")
        ),
    )
    op.create_index("ix_sso_domains_list", "sso_domains", ["workspace_id", "created_at", "id"])
    op.create_index(op.f("ix_sso_domains_connection_id"), "sso_domains", ["connection_id"])
    op.create_index(
        "uq_sso_domains_verified",
        "sso_domains",
        ["domain"],
        unique=True,
        postgresql_where=sa.text("verified_at is not null"),
    )


def make_identities() -> None:
    op.create_table(
        "user_identities",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("connection_id", sa.UUID(), nullable=True),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("realm", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        *times(),
        key_to("user_identities", "user_id", "users"),
        key_to("user_identities", "connection_id", "sso_connections"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_identities")),
        sa.UniqueConstraint(
            "realm", "issuer", "subject", name=op.f("uq_user_identities_realm_issuer_subject")
        ),
    )
    op.create_index("ix_user_identities_list", "user_identities", ["user_id", "created_at", "id"])
    op.create_index(op.f("ix_user_identities_connection_id"), "user_identities", ["connection_id"])


def make_managed_accounts() -> None:
    op.create_table(
        "managed_accounts",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        *times(),
        key_to("managed_accounts", "workspace_id", "workspaces"),
        key_to("managed_accounts", "user_id", "users"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_managed_accounts")),
        sa.UniqueConstraint("user_id", name=op.f("uq_managed_accounts_user_id")),
    )
    op.create_index(op.f("ix_managed_accounts_workspace_id"), "managed_accounts", ["workspace_id"])


def make_scim_tokens() -> None:
    op.create_table(
        "scim_tokens",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("connection_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("last_four", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        *times(),
        version(),
        key_to("scim_tokens", "workspace_id", "workspaces"),
        key_to("scim_tokens", "connection_id", "sso_connections"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scim_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_scim_tokens_token_hash")),
    )
    op.create_index("ix_scim_tokens_list", "scim_tokens", ["workspace_id", "created_at", "id"])
    op.create_index(op.f("ix_scim_tokens_connection_id"), "scim_tokens", ["connection_id"])


def make_scim_users() -> None:
    op.create_table(
        "scim_users",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=True),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=True),
        sa.Column("attributes", postgresql.JSONB(), nullable=False),
        *times(),
        version(),
        key_to("scim_users", "workspace_id", "workspaces"),
        key_to("scim_users", "user_id", "users"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scim_users")),
        sa.UniqueConstraint(
            "workspace_id", "user_id", name=op.f("uq_scim_users_workspace_id_user_id")
        ),
    )
    op.create_index(
        "uq_scim_users_user_name",
        "scim_users",
        ["workspace_id", sa.literal_column("lower(user_name)")],
        unique=True,
    )
    op.create_index("ix_scim_users_external_id", "scim_users", ["workspace_id", "external_id"])
    op.create_index(op.f("ix_scim_users_user_id"), "scim_users", ["user_id"])


def make_scim_groups() -> None:
    op.create_table(
        "scim_groups",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        *times(),
        version(),
        key_to("scim_groups", "workspace_id", "workspaces"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scim_groups")),
    )
    op.create_index(
        "uq_scim_groups_name",
        "scim_groups",
        ["workspace_id", sa.literal_column("lower(display_name)")],
        unique=True,
    )


def make_scim_group_members() -> None:
    op.create_table(
        "scim_group_members",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("group_id", sa.UUID(), nullable=False),
        sa.Column("scim_user_id", sa.UUID(), nullable=False),
        sa.Column("display", sa.Text(), nullable=True),
        *times(),
        key_to("scim_group_members", "workspace_id", "workspaces"),
        key_to("scim_group_members", "group_id", "scim_groups"),
        key_to("scim_group_members", "scim_user_id", "scim_users"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scim_group_members")),
        sa.UniqueConstraint(
            "group_id", "scim_user_id", name=op.f("uq_scim_group_members_group_id_scim_user_id")
        ),
    )
    for column in ("workspace_id", "scim_user_id"):
        op.create_index(op.f(f"ix_scim_group_members_{column}"), "scim_group_members", [column])


def times() -> list[sa.Column]:
    return [
        sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)
        for name in ("created_at", "updated_at")
    ]


def version() -> sa.Column:
    return sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False)


def key_to(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"), ondelete="CASCADE"
    )


def downgrade() -> None:
    op.drop_table("user_identities")
    for table in reversed(OF_WORKSPACE):
        op.drop_table(table)
