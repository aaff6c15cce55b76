"""MCP servers that tools come from."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.core.migration_ops import count_versions, grant, protect

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _servers()
    _tools()
    count_versions("mcp_servers")
    for table in ("mcp_servers", "mcp_server_tools"):
        grant(table)
        protect(table)


def _servers() -> None:
    table = "mcp_servers"
    op.create_table(
        table,
        *_begin(),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("transport", postgresql.JSONB(), nullable=False),
        sa.Column("credential", sa.Text(), nullable=True),
        sa.Column("trusted", sa.Boolean(), nullable=False),
        sa.Column("allow", postgresql.JSONB(), nullable=True),
        sa.Column("deny", postgresql.JSONB(), nullable=False),
        sa.Column("overrides", postgresql.JSONB(), nullable=False),
        sa.Column("timeout_seconds", sa.Float(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("protocol_version", sa.Text(), nullable=True),
        sa.Column("server_name", sa.Text(), nullable=True),
        sa.Column("server_version", sa.Text(), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        *_end(table),
    )
    op.create_index(
        f"uq_{table}_slug",
        table,
        ["workspace_id", "slug"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(f"ix_{table}_list", table, ["workspace_id", "created_at", "id"])


def _tools() -> None:
    table = "mcp_server_tools"
    op.create_table(
        table,
        *_begin(),
        sa.Column("server_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("parameters", postgresql.JSONB(), nullable=False),
        sa.Column("annotations", postgresql.JSONB(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("confirmed_digest", sa.Text(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_by_id", sa.UUID(), nullable=True),
        sa.Column("gone", sa.Boolean(), nullable=False),
        *_end(table),
        _to(table, "server_id", "mcp_servers"),
    )
    op.create_index(f"uq_{table}_name", table, ["server_id", "name"], unique=True)
    op.create_index(f"ix_{table}_workspace_id", table, ["workspace_id"])


def _begin() -> tuple[sa.Column, ...]:
    return tuple(sa.Column(name, sa.UUID(), nullable=False) for name in ("id", "workspace_id"))


def _end(table: str) -> tuple[sa.schema.SchemaItem, ...]:
    moment, begin = sa.DateTime(timezone=True), sa.text("now()")
    return (
        sa.Column("created_at", moment, server_default=begin, nullable=False),
        sa.Column("updated_at", moment, server_default=begin, nullable=False),
        _to(table, "workspace_id", "workspaces"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )


def _to(table: str, column: str, target: str) -> sa.Constraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"), ondelete="CASCADE"
    )


def downgrade() -> None:
    op.drop_table("mcp_server_tools")
    op.drop_table("mcp_servers")
