"""Collections, documents, their versions, and snapshots."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.core.migration_ops import count_versions, grant, protect

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


MOMENT, BEGIN = sa.DateTime(timezone=True), sa.text("now()")


def _id() -> sa.Column:
    return sa.Column("id", sa.UUID(), nullable=False)


def _times() -> tuple[sa.Column, ...]:
    return (
        sa.Column("created_at", MOMENT, server_default=BEGIN, nullable=False),
        sa.Column("updated_at", MOMENT, server_default=BEGIN, nullable=False),
    )


def _restorable() -> tuple[sa.Column, ...]:
    counted = sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False)
    return (sa.Column("deleted_at", MOMENT, nullable=True), *_times(), counted)


def _within(table: str, column: str, parent: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{parent}.id"], name=op.f(f"fk_{table}_{column}"), ondelete="CASCADE"
    )


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*(columns or ("id",)), name=op.f(f"pk_{table}"))


def upgrade() -> None:
    op.create_table(
        "collections",
        _id(),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("owner_id", sa.UUID(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("visibility", sa.Text(), nullable=False),
        sa.Column("embedding_model", sa.Text(), nullable=True),
        sa.Column("chunking", postgresql.JSONB(), nullable=False),
        sa.Column("metadata", postgresql.JSONB(), nullable=False),
        sa.Column("reindex_run_id", sa.UUID(), nullable=True),
        *_restorable(),
        _within("collections", "workspace_id", "workspaces"),
        _key("collections"),
    )
    op.create_index("ix_collections_list", "collections", ["workspace_id", "created_at", "id"])
    op.create_index(
        "uq_collections_slug",
        "collections",
        ["workspace_id", "slug"],
        unique=True,
        postgresql_where=sa.text("deleted_at is null"),
    )
    op.create_table(
        "documents",
        _id(),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("collection_id", sa.UUID(), nullable=False),
        sa.Column("created_by_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("source_url", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("error", postgresql.JSONB(), nullable=True),
        sa.Column("current_version", sa.Integer(), nullable=True),
        sa.Column("wanted_version", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.UUID(), nullable=True),
        sa.Column("metadata", postgresql.JSONB(), nullable=False),
        *_restorable(),
        _within("documents", "workspace_id", "workspaces"),
        _within("documents", "collection_id", "collections"),
        _key("documents"),
    )
    op.create_index(
        "ix_documents_list", "documents", ["workspace_id", "collection_id", "created_at", "id"]
    )
    op.create_index("ix_documents_content", "documents", ["collection_id", "sha256"])
    op.create_index("ix_documents_name", "documents", ["collection_id", "name"])
    op.create_index("ix_documents_creator", "documents", ["created_by_id"])
    op.create_table(
        "document_versions",
        _id(),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("document_id", sa.UUID(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("created_by_id", sa.UUID(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("error", postgresql.JSONB(), nullable=True),
        sa.Column("file_key", sa.Text(), nullable=False),
        sa.Column("parsed_key", sa.Text(), nullable=False),
        sa.Column("parsed", sa.Boolean(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("pages", sa.Integer(), nullable=True),
        sa.Column("characters", sa.Integer(), nullable=True),
        sa.Column("chunks", sa.Integer(), nullable=True),
        sa.Column("warnings", postgresql.JSONB(), nullable=False),
        *_times(),
        _within("document_versions", "workspace_id", "workspaces"),
        _within("document_versions", "document_id", "documents"),
        _key("document_versions"),
    )
    op.create_index(
        "uq_document_versions_number", "document_versions", ["document_id", "number"], unique=True
    )
    op.create_index("ix_document_versions_workspace_id", "document_versions", ["workspace_id"])
    op.create_table(
        "collection_snapshots",
        _id(),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("collection_id", sa.UUID(), nullable=False),
        sa.Column("created_by_id", sa.UUID(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("documents", postgresql.JSONB(), nullable=False),
        sa.Column("document_count", sa.Integer(), nullable=False),
        *_restorable(),
        _within("collection_snapshots", "workspace_id", "workspaces"),
        _within("collection_snapshots", "collection_id", "collections"),
        _key("collection_snapshots"),
    )
    op.create_index(
        "ix_collection_snapshots_list",
        "collection_snapshots",
        ["workspace_id", "collection_id", "created_at", "id"],
    )
    op.create_table(
        "file_removals",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("due_at", MOMENT, server_default=BEGIN, nullable=False),
        _key("file_removals", "key"),
    )
    op.create_index("ix_file_removals_due", "file_removals", ["due_at"])
    op.create_table(
        "reindexed_passages",
        sa.Column("passage_id", sa.UUID(), nullable=False),
        sa.Column("space", sa.Text(), nullable=False),
        sa.Column("collection_id", sa.UUID(), nullable=False),
        sa.Column("workspace_id", sa.UUID(), nullable=False),
        sa.Column("kept", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        _key("reindexed_passages", "passage_id", "space"),
    )
    op.create_index("ix_reindexed_passages_collection", "reindexed_passages", ["collection_id"])
    for table in (*_VERSIONED, "document_versions", "file_removals", "reindexed_passages"):
        grant(table)
        protect(table)
    for table in _VERSIONED:
        count_versions(table)
    _follow_deletions()


_VERSIONED = ("collections", "documents", "collection_snapshots")


def _follow_deletions() -> None:
    """Whatever deletes a document (a cascade included), its passages and its files go after it.

    So do a collection's shares, and the vectors that a run has made beside its own.
    """
    op.execute("""
        create function luminous_forget_document() returns trigger language plpgsql as $$
        begin
            delete from passages where workspace_id = old.workspace_id
                and kind = 'document' and subject_id = old.id;
            return null;
        end $$
    """)
    op.execute(
        "create trigger documents_removed after delete on documents for each row "
        "execute function luminous_forget_document()"
    )
    op.execute("""
        create function luminous_remove_files() returns trigger language plpgsql as $$
        begin
            insert into file_removals (key, workspace_id)
            values (old.file_key, old.workspace_id), (old.parsed_key, old.workspace_id)
            on conflict (key) do update set due_at = now();
            return null;
        end $$
    """)
    op.execute(
        "create trigger document_versions_removed after delete on document_versions "
        "for each row execute function luminous_remove_files()"
    )
    op.execute("""
        create function luminous_forget_collection() returns trigger language plpgsql as $$
        begin
            insert into vector_removals (passage_id, space, workspace_id)
            select passage_id, space, workspace_id from reindexed_passages
            where collection_id = old.id on conflict do nothing;
            delete from reindexed_passages where collection_id = old.id;
            delete from shares where workspace_id = old.workspace_id
                and resource_type = 'collection' and resource_id = old.id;
            return null;
        end $$
    """)
    op.execute(
        "create trigger collections_removed after delete on collections for each row "
        "execute function luminous_forget_collection()"
    )


def downgrade() -> None:
    for table in (
        "reindexed_passages",
        "file_removals",
        "collection_snapshots",
        "document_versions",
        "documents",
        "collections",
    ):
        op.drop_table(table)
    op.execute("drop function luminous_forget_collection()")
    op.execute("drop function luminous_remove_files()")
    op.execute("drop function luminous_forget_document()")
