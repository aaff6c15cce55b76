"""Templates, their versions and labels."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.core.migration_ops import count_versions, grant, protect

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

TABLES = (
    "ai_templates", "ai_template_versions", "ai_template_usage", "ai_template_instances",
)  # fmt: skip


def upgrade() -> None:
    _templates()
    _versions()
    _usage()
    _instances()
    for table in TABLES:
        grant(table)
        protect(table)
    count_versions("ai_templates")
    _forget()


def _forget() -> None:
    """What is kept elsewhere of a template goes with its row."""
    op.execute("""
        create function luminous_forget_template() returns trigger language plpgsql as $$
        begin
            delete from passages where workspace_id = old.workspace_id
                and kind = 'template' and subject_id = old.id;
            delete from shares where workspace_id = old.workspace_id
                and resource_type = 'template' and resource_id = old.id;
            return null;
        end $$
    """)
    op.execute(
        "create trigger ai_templates_removed after delete on ai_templates for each row "
        "execute function luminous_forget_template()"
    )


def _templates() -> None:
    table = "ai_templates"
    texts = (
        "name", "slug", "description", "kind", "category", "language", "visibility", "status",
    )  # fmt: skip
    op.create_table(
        table,
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("owner_id", sa.UUID(), nullable=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in texts),
        sa.Column("current_version", sa.Integer(), nullable=False),
        sa.Column("labels", postgresql.JSONB(), nullable=False),
        sa.Column("metadata", postgresql.JSONB(), nullable=False),
        sa.Column("pack", sa.Text(), nullable=True),
        sa.Column("pack_entry", sa.Text(), nullable=True),
        sa.Column("pack_version", sa.Integer(), nullable=True),
        sa.Column("pack_digest", sa.Text(), nullable=True),
        sa.Column("source_id", sa.Text(), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        *_times(),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        *_keys(table),
    )
    op.create_index(f"ix_{table}_list", table, ["workspace_id", "created_at", "id"])
    op.create_index(f"ix_{table}_pack", table, ["workspace_id", "pack", "pack_entry"])
    op.create_index(f"ix_{table}_source", table, ["workspace_id", "source_id"])
    op.create_index(
        f"uq_{table}_slug",
        table,
        ["workspace_id", "slug"],
        unique=True,
        postgresql_where=sa.text("deleted_at is null"),
    )


def _versions() -> None:
    table = "ai_template_versions"
    op.create_table(
        table,
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("template_id", sa.UUID(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("created_by_id", sa.UUID(), nullable=True),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("variables", postgresql.JSONB(), nullable=False),
        sa.Column("body", postgresql.JSONB(), nullable=False),
        sa.Column("examples", postgresql.JSONB(), nullable=False),
        sa.Column("evidence", postgresql.JSONB(), nullable=True),
        *_times(),
        *_keys(table),
        _to(table, "template_id", "ai_templates"),
    )
    op.create_index(f"uq_{table}_number", table, ["template_id", "number"], unique=True)
    op.create_index(f"ix_{table}_workspace_id", table, ["workspace_id"])


def _usage() -> None:
    table = "ai_template_usage"
    none = sa.text("0")
    op.create_table(
        table,
        sa.Column("version_id", sa.UUID(), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("renders", sa.Integer(), server_default=none, nullable=False),
        sa.Column("previews", sa.Integer(), server_default=none, nullable=False),
        sa.Column("instantiations", sa.Integer(), server_default=none, nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("version_id", name=op.f(f"pk_{table}")),
        _to(table, "workspace_id", "workspaces"),
        _to(table, "version_id", "ai_template_versions"),
    )
    op.create_index(f"ix_{table}_workspace_id", table, ["workspace_id"])


def _instances() -> None:
    table = "ai_template_instances"
    op.create_table(
        table,
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("version_id", sa.UUID(), nullable=False),
        sa.Column("agent_id", sa.UUID(), nullable=False),
        sa.Column("created_by_id", sa.UUID(), nullable=True),
        sa.Column("variables", postgresql.JSONB(), nullable=False),
        *_times(),
        *_keys(table),
        _to(table, "version_id", "ai_template_versions"),
    )
    op.create_index(f"ix_{table}_version", table, ["version_id"])
    op.create_index(f"ix_{table}_agent", table, ["agent_id"])
    op.create_index(f"ix_{table}_workspace_id", table, ["workspace_id"])


def _times() -> tuple[sa.Column, ...]:
    moment, begin = sa.DateTime(timezone=True), sa.text("now()")
    return (
        sa.Column("created_at", moment, server_default=begin, nullable=False),
        sa.Column("updated_at", moment, server_default=begin, nullable=False),
    )


def _keys(table: str) -> tuple[sa.Constraint, ...]:
    return (
        _to(table, "workspace_id", "workspaces"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )


def _to(table: str, column: str, target: str) -> sa.Constraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"), ondelete="CASCADE"
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    op.execute("drop function luminous_forget_template()")
