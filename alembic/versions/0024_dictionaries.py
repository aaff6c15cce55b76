"""Dictionaries: concepts, terms, relations, and what they were."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.core.migration_ops import grant, protect

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

TABLES = (
    "dictionaries",
    "terminology_entries",
    "terminology_terms",
    "terminology_relations",
    "terminology_revisions",
)


def _id(name: str = "id", *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.UUID(), nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _json(*names: str) -> tuple[sa.Column, ...]:
    return tuple(sa.Column(name, postgresql.JSONB(), nullable=False) for name in names)


def _times() -> tuple[sa.Column, sa.Column]:
    moment, begin = sa.DateTime(timezone=True), sa.text("now()")
    return (
        sa.Column("created_at", moment, server_default=begin, nullable=False),
        sa.Column("updated_at", moment, server_default=begin, nullable=False),
    )


def _version() -> sa.Column:
    return sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False)


def _to(table: str, column: str, target: str, ondelete: str = "CASCADE") -> sa.Constraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"), ondelete=ondelete
    )


def _base(table: str) -> tuple[sa.Constraint, sa.Constraint]:
    return (
        _to(table, "workspace_id", "workspaces"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )


def upgrade() -> None:
    moment, living = sa.DateTime(timezone=True), sa.text("deleted_at IS NULL")
    op.create_table(
        "dictionaries",
        _id(),
        _id("workspace_id"),
        _text("slug"),
        _text("name"),
        _text("description"),
        *_json("languages"),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        *_json("metadata"),
        sa.Column("deleted_at", moment, nullable=True),
        *_times(),
        _version(),
        *_base("dictionaries"),
    )
    op.create_index(
        "uq_dictionaries_slug",
        "dictionaries",
        ["workspace_id", "slug"],
        unique=True,
        postgresql_where=living,
    )
    op.create_index("ix_dictionaries_list", "dictionaries", ["workspace_id", "created_at", "id"])
    _entries(moment)
    _terms()
    _relations()
    _revisions()
    for table in TABLES:
        grant(table)
        protect(table)
    op.execute(
        "create trigger dictionaries_version before update on dictionaries for each row "
        "execute function luminous_count_version()"
    )
    # An account that goes takes its ids along, and so does a replacement that is purged: that is
    # no change of a concept.
    op.execute(
        "create trigger terminology_entries_version before update on terminology_entries "
        "for each row when (old.created_by_id is not distinct from new.created_by_id "
        "and (old.reviewed_by_id is null or new.reviewed_by_id is not null) "
        "and (old.replaced_by_id is null or new.replaced_by_id is not null "
        "or old.updated_at <> new.updated_at)) "
        "execute function luminous_count_version()"
    )
    op.execute("""
        create function luminous_forget_entry() returns trigger language plpgsql as $$
        begin
            delete from passages where workspace_id = old.workspace_id
                and kind = 'entry' and subject_id = old.id;
            return null;
        end $$
    """)
    op.execute(
        "create trigger terminology_entries_removed after delete on terminology_entries "
        "for each row execute function luminous_forget_entry()"
    )


def _entries(moment: sa.DateTime) -> None:
    op.create_table(
        "terminology_entries",
        _id(),
        _id("workspace_id"),
        _id("dictionary_id"),
        _text("external_id", nullable=True),
        _text("status"),
        *_json("subject_fields", "definitions", "examples", "notes", "sources", "languages"),
        *_json("metadata"),
        _text("words"),
        sa.Column(
            "lexemes",
            postgresql.TSVECTOR(),
            sa.Computed("to_tsvector('simple', words)", persisted=True),
            nullable=True,
        ),
        _id("created_by_id", nullable=True),
        _id("reviewed_by_id", nullable=True),
        sa.Column("reviewed_at", moment, nullable=True),
        _text("review_comment", nullable=True),
        _id("replaced_by_id", nullable=True),
        sa.Column("deleted_at", moment, nullable=True),
        *_times(),
        _version(),
        *_base("terminology_entries"),
        _to("terminology_entries", "dictionary_id", "dictionaries"),
        _to("terminology_entries", "created_by_id", "users", "SET NULL"),
        _to("terminology_entries", "reviewed_by_id", "users", "SET NULL"),
        _to("terminology_entries", "replaced_by_id", "terminology_entries", "SET NULL"),
    )
    table = "terminology_entries"
    op.create_index(
        "uq_terminology_entries_external_id",
        table,
        ["dictionary_id", "external_id"],
        unique=True,
        postgresql_where=sa.text("external_id IS NOT NULL AND deleted_at IS NULL"),
    )
    op.create_index("ix_terminology_entries_list", table, ["workspace_id", "created_at", "id"])
    op.create_index("ix_terminology_entries_changed", table, ["workspace_id", "updated_at"])
    op.create_index(
        "ix_terminology_entries_dictionary",
        table,
        ["dictionary_id", "status"],
        postgresql_include=["workspace_id", "version", "updated_at"],
    )
    op.create_index("ix_terminology_entries_lexemes", table, ["lexemes"], postgresql_using="gin")
    op.create_index("ix_terminology_entries_replaced_by_id", table, ["replaced_by_id"])
    op.create_index(
        "ix_terminology_entries_deleted_at",
        table,
        ["deleted_at"],
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )


def _terms() -> None:
    table = "terminology_terms"
    op.create_table(
        table,
        _id(),
        _id("workspace_id"),
        _id("dictionary_id"),
        _id("entry_id"),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        _text("language"),
        _text("text"),
        _text("folded"),
        _text("status"),
        _text("part_of_speech", nullable=True),
        _text("note", nullable=True),
        *_times(),
        *_base(table),
        _to(table, "dictionary_id", "dictionaries"),
        _to(table, "entry_id", "terminology_entries"),
    )
    op.create_index("ix_terminology_terms_entry", table, ["entry_id", "ordinal"])
    op.create_index("ix_terminology_terms_dictionary_id", table, ["dictionary_id"])
    op.create_index(
        "ix_terminology_terms_folded",
        table,
        ["workspace_id", "folded"],
        postgresql_ops={"folded": "text_pattern_ops"},
    )


def _relations() -> None:
    table = "terminology_relations"
    op.create_table(
        table,
        _id(),
        _id("workspace_id"),
        _id("entry_id"),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        _text("kind"),
        _id("target_id", nullable=True),
        _text("target_uri", nullable=True),
        *_times(),
        *_base(table),
        _to(table, "entry_id", "terminology_entries"),
        _to(table, "target_id", "terminology_entries"),
    )
    op.create_index("ix_terminology_relations_entry", table, ["entry_id", "ordinal"])
    op.create_index("ix_terminology_relations_target_id", table, ["target_id"])
    op.create_index("ix_terminology_relations_workspace_id", table, ["workspace_id"])


def _revisions() -> None:
    table = "terminology_revisions"
    op.create_table(
        table,
        _id(),
        _id("workspace_id"),
        _id("entry_id"),
        sa.Column("version", sa.Integer(), nullable=False),
        _text("action"),
        _text("status"),
        *_json("snapshot"),
        _id("changed_by_id", nullable=True),
        _text("comment", nullable=True),
        *_times(),
        *_base(table),
        _to(table, "entry_id", "terminology_entries"),
        _to(table, "changed_by_id", "users", "SET NULL"),
    )
    op.create_index("uq_terminology_revisions_version", table, ["entry_id", "version"], unique=True)
    op.create_index("ix_terminology_revisions_workspace_id", table, ["workspace_id"])


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    op.execute("drop function luminous_forget_entry()")
