"""How dictionaries are enforced, and suggestions about their entries."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.core.migration_ops import count_versions, grant, protect

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _policies()
    _suggestions()
    for table in ("dictionary_policies", "dictionary_suggestions"):
        count_versions(table)
        grant(table)
        protect(table)


def _policies() -> None:
    table = "dictionary_policies"
    op.create_table(
        table,
        *_begin(),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("token_budget", sa.Integer(), nullable=False),
        sa.Column("accept_fields_from", sa.Float(), nullable=True),
        *_end(),
        *_references(table),
    )
    op.create_index(f"uq_{table}_dictionary_id", table, ["dictionary_id"], unique=True)
    op.create_index(f"ix_{table}_workspace_id", table, ["workspace_id"])


def _suggestions() -> None:
    table = "dictionary_suggestions"
    op.create_table(
        table,
        *_begin(),
        sa.Column("entry_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("other_entry_id", sa.UUID(), nullable=True),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("evidence", postgresql.JSONB(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("decided_by_id", sa.UUID(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("run_id", sa.UUID(), nullable=False),
        *_end(),
        *_references(table),
        _to(table, "entry_id", "terminology_entries"),
        _to(table, "other_entry_id", "terminology_entries"),
        _to(table, "decided_by_id", "users", "SET NULL"),
    )
    op.create_index(f"uq_{table}_mark", table, ["entry_id", "mark"], unique=True)
    op.create_index(f"ix_{table}_list", table, ["workspace_id", "created_at", "id"])
    op.create_index(f"ix_{table}_dictionary", table, ["dictionary_id", "status"])
    op.create_index(f"ix_{table}_other_entry_id", table, ["other_entry_id"])


def _begin() -> tuple[sa.Column, ...]:
    names = ("id", "workspace_id", "dictionary_id")
    return tuple(sa.Column(name, sa.UUID(), nullable=False) for name in names)


def _end() -> tuple[sa.Column, ...]:
    moment, begin = sa.DateTime(timezone=True), sa.text("now()")
    return (
        sa.Column("created_at", moment, server_default=begin, nullable=False),
        sa.Column("updated_at", moment, server_default=begin, nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
    )


def _references(table: str) -> tuple[sa.Constraint, ...]:
    return (
        _to(table, "workspace_id", "workspaces"),
        _to(table, "dictionary_id", "dictionaries"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )


def _to(table: str, column: str, target: str, ondelete: str = "CASCADE") -> sa.Constraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"), ondelete=ondelete
    )


def downgrade() -> None:
    op.drop_table("dictionary_suggestions")
    op.drop_table("dictionary_policies")
