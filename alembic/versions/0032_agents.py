"""Agents: definitions, versions, labels."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.core.migration_ops import count_versions, grant, protect

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _agents()
    _versions()
    _probes()
    count_versions("agents")
    for table in ("agents", "agent_versions", "model_probes"):
        grant(table)
        protect(table)
    op.execute("""
        create function luminous_forget_agent() returns trigger language plpgsql as $$
        begin
            delete from passages where workspace_id = old.workspace_id
                and kind = 'agent' and subject_id = old.id;
            delete from shares where workspace_id = old.workspace_id
                and resource_type = 'agent' and resource_id = old.id;
            return null;
        end $$
    """)
    op.execute(
        "create trigger agents_removed after delete on agents for each row "
        "execute function luminous_forget_agent()"
    )


def _agents() -> None:
    op.create_table(
        "agents",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("owner_id", sa.UUID(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("visibility", sa.Text(), nullable=False),
        sa.Column("current_version", sa.Integer(), nullable=False),
        sa.Column("labels", postgresql.JSONB(), nullable=False),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("tools", postgresql.JSONB(), nullable=False),
        sa.Column("pattern", sa.Text(), nullable=True),
        sa.Column("metadata", postgresql.JSONB(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        *_times(),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        *_references("agents"),
    )
    op.create_index("ix_agents_list", "agents", ["workspace_id", "created_at", "id"])
    op.create_index(
        "uq_agents_slug",
        "agents",
        ["workspace_id", "slug"],
        unique=True,
        postgresql_where=sa.text("deleted_at is null"),
    )


def _versions() -> None:
    table = "agent_versions"
    op.create_table(
        table,
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("agent_id", sa.UUID(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("created_by_id", sa.UUID(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("definition", postgresql.JSONB(), nullable=False),
        *_times(),
        *_references(table),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agents.id"], name=op.f(f"fk_{table}_agent_id"), ondelete="CASCADE"
        ),
    )
    op.create_index(f"uq_{table}_number", table, ["agent_id", "number"], unique=True)
    op.create_index(f"ix_{table}_list", table, ["workspace_id", "agent_id", "created_at", "id"])


def _probes() -> None:
    table = "model_probes"
    op.create_table(
        table,
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("capability", sa.Text(), nullable=False),
        sa.Column("able", sa.Boolean(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        *_times(),
        *_references(table),
    )
    op.create_index(
        f"uq_{table}_capability", table, ["workspace_id", "model", "capability"], unique=True
    )


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
    op.execute("delete from shares where resource_type = 'agent'")
    op.drop_table("model_probes")
    op.drop_table("agent_versions")
    op.drop_table("agents")
    op.execute("drop function luminous_forget_agent()")
