"""Tools of a workspace: credentials, HTTP, databases."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.core.migration_ops import count_versions, grant, protect

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _credentials()
    _tools()
    _databases()
    for table in ("tool_credentials", "tools", "databases"):
        count_versions(table)
        grant(table)
        protect(table)


def _credentials() -> None:
    table = "tool_credentials"
    op.create_table(
        table,
        *_begin(),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("hosts", postgresql.JSONB(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=True),
        sa.Column("fingerprint", sa.Text(), nullable=True),
        *_end(table),
    )
    _unique_while_living(table, "name")
    op.create_index(f"ix_{table}_list", table, ["workspace_id", "created_at", "id"])


def _tools() -> None:
    table = "tools"
    op.create_table(
        table,
        *_begin(),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("parameters", postgresql.JSONB(), nullable=False),
        sa.Column("request", postgresql.JSONB(), nullable=False),
        sa.Column("result", postgresql.JSONB(), nullable=False),
        sa.Column("policy", postgresql.JSONB(), nullable=False),
        sa.Column("origin", postgresql.JSONB(), nullable=True),
        *_end(table),
    )
    _unique_while_living(table, "slug")
    op.create_index(f"ix_{table}_list", table, ["workspace_id", "created_at", "id"])


def _databases() -> None:
    table = "databases"
    op.create_table(
        table,
        *_begin(),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("engine", sa.Text(), nullable=False),
        sa.Column("sealed_dsn", sa.LargeBinary(), nullable=True),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("schemas", postgresql.JSONB(), nullable=False),
        sa.Column("tables", postgresql.JSONB(), nullable=True),
        sa.Column("max_rows", sa.Integer(), nullable=False),
        sa.Column("timeout_seconds", sa.Integer(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("last_error", postgresql.JSONB(), nullable=True),
        sa.Column("last_tested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("warnings", postgresql.JSONB(), nullable=False),
        *_end(table),
    )
    _unique_while_living(table, "slug")
    op.create_index(f"ix_{table}_list", table, ["workspace_id", "created_at", "id"])


def _unique_while_living(table: str, column: str) -> None:
    op.create_index(
        f"uq_{table}_{column}",
        table,
        ["workspace_id", column],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )


def _begin() -> tuple[sa.Column, ...]:
    return tuple(sa.Column(name, sa.UUID(), nullable=False) for name in ("id", "workspace_id"))


def _end(table: str) -> tuple[sa.Column | sa.Constraint, ...]:
    moment, begin = sa.DateTime(timezone=True), sa.text("now()")
    return (
        sa.Column("deleted_at", moment, nullable=True),
        sa.Column("created_at", moment, server_default=begin, nullable=False),
        sa.Column("updated_at", moment, server_default=begin, nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f(f"fk_{table}_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )


def downgrade() -> None:
    op.drop_table("databases")
    op.drop_table("tools")
    op.drop_table("tool_credentials")
