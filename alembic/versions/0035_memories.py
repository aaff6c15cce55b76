"""Memories: facts with two times, blocks, and how facts are drawn."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.core.migration_ops import USER, WORKSPACE, count_versions, grant, protect

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
# A user's own are shown to nobody else, whatever a query forgot.
OWN = f"workspace_id = {WORKSPACE} and (user_id is null or user_id = {USER})"


def upgrade() -> None:
    _memories()
    _revisions()
    _blocks()
    _settings()
    _extractions()
    for table in ("memories", "memory_blocks", "memory_settings"):
        count_versions(table)
    for table in ("memories", "memory_revisions", "memory_extractions"):
        grant(table)
        protect(table, OWN)
    for table in ("memory_blocks", "memory_settings"):
        grant(table)
        protect(table)
    # Whatever deletes a memory (a cascade included), its passage goes with it, and its vector.
    op.execute("""
        create function luminous_forget_memory() returns trigger language plpgsql as $$
        begin
            delete from passages where workspace_id = old.workspace_id
                and kind = 'memory' and subject_id = old.id;
            return null;
        end $$
    """)
    op.execute(
        "create trigger memories_removed after delete on memories for each row "
        "execute function luminous_forget_memory()"
    )


def _memories() -> None:
    table = "memories"
    op.create_table(
        table,
        *_ids(),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=True),
        sa.Column("agent_id", sa.UUID(), nullable=True),
        sa.Column("created_by_id", sa.UUID(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("origin", postgresql.JSONB(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=True),
        sa.Column("confirmed_at", MOMENT, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        *_times(),
        _version(),
        *_references(table),
        _to(table, "agent_id", "agents"),
        _to(table, "created_by_id", "users", "SET NULL"),
    )
    op.create_index(
        "ix_memories_list", table, ["workspace_id", "scope", "user_id", "created_at", "id"]
    )
    for column in ("agent_id", "created_by_id"):
        op.create_index(f"ix_memories_{column}", table, [column])
    op.create_index("ix_memories_user", table, ["user_id"])
    op.create_index(
        "ix_memories_expiry",
        table,
        ["expires_at"],
        postgresql_where=sa.text("expires_at is not null"),
    )


def _revisions() -> None:
    table = "memory_revisions"
    op.create_table(
        table,
        *_ids(),
        sa.Column("memory_id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("predicate", sa.Text(), nullable=True),
        sa.Column("object", sa.Text(), nullable=True),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("same", sa.Text(), nullable=False),
        sa.Column("periods", postgresql.JSONB(), nullable=False),
        sa.Column("valid_from", MOMENT, nullable=True),
        sa.Column("valid_to", MOMENT, nullable=True),
        sa.Column("known_from", MOMENT, nullable=False),
        sa.Column("known_to", MOMENT, nullable=True),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("change_id", sa.UUID(), nullable=False),
        sa.Column("by_memory_id", sa.UUID(), nullable=True),
        sa.Column("changed_by_id", sa.UUID(), nullable=True),
        *_times(),
        *_references(table),
        _to(table, "memory_id", "memories"),
        _to(table, "changed_by_id", "users", "SET NULL"),
    )
    current = sa.text("known_to is null")
    op.create_index(f"uq_{table}_number", table, ["memory_id", "number"], unique=True)
    op.create_index(
        f"uq_{table}_current", table, ["memory_id"], unique=True, postgresql_where=current
    )
    op.create_index(f"ix_{table}_change", table, ["workspace_id", "change_id"])
    op.create_index(f"ix_{table}_known", table, ["workspace_id", "known_from"])
    op.create_index(f"ix_{table}_key", table, ["workspace_id", "key"], postgresql_where=current)
    op.create_index(f"ix_{table}_same", table, ["workspace_id", "same"], postgresql_where=current)
    op.create_index(f"ix_{table}_changed_by_id", table, ["changed_by_id"])


def _blocks() -> None:
    table = "memory_blocks"
    op.create_table(
        table,
        *_ids(),
        sa.Column("agent_id", sa.UUID(), nullable=True),
        sa.Column("created_by_id", sa.UUID(), nullable=True),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("read_only", sa.Boolean(), nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        *_times(),
        _version(),
        *_references(table),
        _to(table, "agent_id", "agents"),
    )
    op.create_index(f"ix_{table}_list", table, ["workspace_id", "created_at", "id"])
    op.create_index(f"ix_{table}_creator", table, ["created_by_id"])
    op.create_index(
        f"uq_{table}_label",
        table,
        ["workspace_id", "label"],
        unique=True,
        postgresql_where=sa.text("deleted_at is null and agent_id is null"),
    )
    op.create_index(
        f"uq_{table}_agent_label",
        table,
        ["agent_id", "label"],
        unique=True,
        postgresql_where=sa.text("deleted_at is null"),
    )


def _settings() -> None:
    table = "memory_settings"
    op.create_table(
        table,
        *_ids(),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("daily_usd", sa.Numeric(18, 9), nullable=True),
        sa.Column("daily_tokens", sa.Integer(), nullable=True),
        sa.Column("review", sa.Text(), nullable=False),
        sa.Column("multi_valued", postgresql.JSONB(), nullable=False),
        *_times(),
        _version(),
        *_references(table),
    )
    op.create_index(f"uq_{table}_workspace", table, ["workspace_id"], unique=True)


def _extractions() -> None:
    table = "memory_extractions"
    op.create_table(
        table,
        *_ids(),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("source_kind", sa.Text(), nullable=False),
        sa.Column("source_id", sa.UUID(), nullable=False),
        sa.Column("agent_id", sa.UUID(), nullable=True),
        sa.Column("run_id", sa.UUID(), nullable=False),
        sa.Column("applied_at", MOMENT, nullable=True),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.Column("stored", sa.Integer(), nullable=False),
        sa.Column("dropped", sa.Integer(), nullable=False),
        *_times(),
        *_references(table),
    )
    op.create_index(
        f"uq_{table}_source",
        table,
        ["workspace_id", "user_id", "source_kind", "source_id"],
        unique=True,
    )
    op.create_index(f"ix_{table}_list", table, ["workspace_id", "user_id", "created_at", "id"])
    op.create_index(f"ix_{table}_user", table, ["user_id"])


def _ids() -> tuple[sa.Column, ...]:
    return tuple(sa.Column(name, sa.UUID(), nullable=False) for name in ("id", "workspace_id"))


def _times() -> tuple[sa.Column, ...]:
    begin = sa.text("now()")
    return tuple(
        sa.Column(name, MOMENT, server_default=begin, nullable=False)
        for name in ("created_at", "updated_at")
    )


def _version() -> sa.Column:
    return sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False)


def _references(table: str) -> tuple[sa.Constraint, ...]:
    return (
        _to(table, "workspace_id", "workspaces"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )


def _to(table: str, column: str, target: str, ondelete: str = "CASCADE") -> sa.Constraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"), ondelete=ondelete
    )


def downgrade() -> None:
    for table in (
        "memory_extractions",
        "memory_settings",
        "memory_blocks",
        "memory_revisions",
        "memories",
    ):
        op.drop_table(table)
    op.execute("drop function luminous_forget_memory()")
