"""Workflows: definitions, versions, labels."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.core.migration_ops import count_versions, grant, protect

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _workflows()
    _versions()
    count_versions("workflows")
    for table in ("workflows", "workflow_versions"):
        grant(table)
        protect(table)
    op.execute("""
        create function luminous_forget_workflow() returns trigger language plpgsql as $$
        begin
            delete from passages where workspace_id = old.workspace_id
                and kind = 'workflow' and subject_id = old.id;
            delete from shares where workspace_id = old.workspace_id
                and resource_type = 'workflow' and resource_id = old.id;
            return null;
        end $$
    """)
    op.execute(
        "create trigger workflows_removed after delete on workflows for each row "
        "execute function luminous_forget_workflow()"
    )


def _workflows() -> None:
    table = "workflows"
    op.create_table(
        table,
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("owner_id", sa.UUID(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("visibility", sa.Text(), nullable=False),
        sa.Column("current_version", sa.Integer(), nullable=False),
        sa.Column("labels", postgresql.JSONB(), nullable=False),
        sa.Column("metadata", postgresql.JSONB(), nullable=False),
        sa.Column("tags", postgresql.JSONB(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        *_times(),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        *_references(table),
    )
    op.create_index(f"ix_{table}_list", table, ["workspace_id", "created_at", "id"])
    op.create_index(
        f"uq_{table}_slug",
        table,
        ["workspace_id", "slug"],
        unique=True,
        postgresql_where=sa.text("deleted_at is null"),
    )


def _versions() -> None:
    table = "workflow_versions"
    op.create_table(
        table,
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("workflow_id", sa.UUID(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("created_by_id", sa.UUID(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("definition", postgresql.JSONB(), nullable=False),
        *_times(),
        *_references(table),
        sa.ForeignKeyConstraint(
            ["workflow_id"],
            ["workflows.id"],
            name=op.f(f"fk_{table}_workflow_id"),
            ondelete="CASCADE",
        ),
    )
    op.create_index(f"uq_{table}_number", table, ["workflow_id", "number"], unique=True)
    op.create_index(f"ix_{table}_list", table, ["workspace_id", "workflow_id", "created_at", "id"])


def _times() -> tuple[sa.Column, ...]:
    moment, begin = sa.DateTime(timezone=True), sa.text("now()")
    return (
        sa.Column("created_at", moment, server_default=begin, nullable=False),
        sa.Column("updated_at", moment, server_default=begin, nullable=False),
    )


def _references(table: str) -> tuple[sa.Constraint, ...]:
    return (
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f(f"fk_{table}_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )


def downgrade() -> None:
    op.execute("delete from shares where resource_type = 'workflow'")
    for table in ("workflow_versions", "workflows"):
        op.drop_table(table)
    op.execute("drop function luminous_forget_workflow()")
