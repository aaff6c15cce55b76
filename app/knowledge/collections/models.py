"""Collections, documents, their versions, and snapshots."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import Category, Handling, personal, plain, technical
from app.core.db import Base, Row
from app.core.restorable import Restorable


class Collection(Restorable):
    """Documents that are searched together; a `private` one is seen by its owner and by shares.

    `embedding_model` is a reference as integrations have them; None is the local one. While it is
    indexed anew, `reindex_run_id` is that run.
    """

    __tablename__ = "collections"
    __table_args__ = (
        Index("ix_collections_list", "workspace_id", "created_at", "id"),
        Index(
            "uq_collections_slug",
            "workspace_id",
            "slug",
            unique=True,
            postgresql_where=text("deleted_at is null"),
        ),
    )
    __handling__ = Handling(
        "keep documents that are searched together",
        subject="owner_id",
        erase="clear",
        reason="what a team gathered stays its own; a private collection goes with its owner",
    )

    # Counted where a collection is shown; see `crud.count_into`.
    document_count = 0
    passage_count = 0
    size = 0

    owner_id: Mapped[UUID | None]
    name: Mapped[str] = mapped_column(info=plain())
    slug: Mapped[str] = mapped_column(info=plain())
    description: Mapped[str] = mapped_column(default="", info=plain())
    visibility: Mapped[str] = mapped_column(default="workspace", info=plain())
    embedding_model: Mapped[str | None] = mapped_column(info=plain())
    chunking: Mapped[dict[str, Any]] = mapped_column(default=dict, info=plain())
    labels: Mapped[dict[str, Any]] = mapped_column("metadata", default=dict, info=plain())
    reindex_run_id: Mapped[UUID | None]


class Document(Restorable):
    """A document of a collection. `status`: queued, processing, ready or failed.

    `current_version` is the number of the version that is found, None before the first;
    `wanted_version` that of the one that the last run (`run_id`) is about. Size, hash and media
    type are those of the wanted one, and not known yet of an address that is still to be fetched.
    """

    __tablename__ = "documents"
    __table_args__ = (
        Index("ix_documents_list", "workspace_id", "collection_id", "created_at", "id"),
        Index("ix_documents_content", "collection_id", "sha256"),
        Index("ix_documents_name", "collection_id", "name"),
        Index("ix_documents_creator", "created_by_id"),
    )
    __handling__ = Handling(
        "find a document by what it says, and give it back as it came", subject="created_by_id"
    )

    collection_id: Mapped[UUID] = mapped_column(ForeignKey("collections.id", ondelete="CASCADE"))
    created_by_id: Mapped[UUID]
    name: Mapped[str] = mapped_column(info=personal(Category.CONTENT))
    media_type: Mapped[str] = mapped_column(info=plain())
    size: Mapped[int | None]
    sha256: Mapped[str | None] = mapped_column(info=plain())
    source_url: Mapped[str | None] = mapped_column(info=personal(Category.CONTENT))
    status: Mapped[str] = mapped_column(default="queued", info=plain())
    error: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True), info=plain())
    current_version: Mapped[int | None]
    wanted_version: Mapped[int]
    run_id: Mapped[UUID | None]
    labels: Mapped[dict[str, Any]] = mapped_column(
        "metadata", default=dict, info=personal(Category.CONTENT)
    )


class DocumentVersion(Row):
    """One state of a document: its file, and what was read out of it (once it is `parsed`).

    A trigger has both files removed when the row goes.
    """

    __tablename__ = "document_versions"
    __table_args__ = (
        Index("uq_document_versions_number", "document_id", "number", unique=True),
        Index("ix_document_versions_workspace_id", "workspace_id"),
    )
    __handling__ = Handling(
        "give every state of a document back",
        through=("document_id", "documents"),
        mentions=("created_by_id",),
        reason="a state of another's document stays; who made it is forgotten",
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    document_id: Mapped[UUID] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"))
    number: Mapped[int]
    created_by_id: Mapped[UUID | None]
    status: Mapped[str] = mapped_column(default="queued", info=plain())
    error: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True), info=plain())
    file_key: Mapped[str] = mapped_column(info=plain())
    parsed_key: Mapped[str] = mapped_column(info=plain())
    parsed: Mapped[bool] = mapped_column(default=False)
    file_name: Mapped[str] = mapped_column(info=personal(Category.CONTENT))
    media_type: Mapped[str] = mapped_column(info=plain())
    size: Mapped[int | None]
    sha256: Mapped[str | None] = mapped_column(info=plain())
    title: Mapped[str] = mapped_column(default="", info=personal(Category.CONTENT))
    language: Mapped[str | None] = mapped_column(info=plain())
    pages: Mapped[int | None]
    characters: Mapped[int | None]
    chunks: Mapped[int | None]
    warnings: Mapped[list[Any]] = mapped_column(default=list, info=plain())


class CollectionSnapshot(Restorable):
    """Which documents a collection had, and each in which version: `{id: number}`."""

    __tablename__ = "collection_snapshots"
    __table_args__ = (
        Index("ix_collection_snapshots_list", "workspace_id", "collection_id", "created_at", "id"),
    )
    __handling__ = Handling(
        "go back to an earlier state of a collection",
        subject="created_by_id",
        erase="clear",
        reason="a state of a team's collection names documents by their ids alone",
    )

    collection_id: Mapped[UUID] = mapped_column(ForeignKey("collections.id", ondelete="CASCADE"))
    created_by_id: Mapped[UUID | None]
    name: Mapped[str] = mapped_column(info=plain())
    documents: Mapped[dict[str, Any]] = mapped_column(deferred=True, info=plain())
    document_count: Mapped[int]


class FileRemoval(Base):
    """A file that is to go: its version was deleted, or its upload never came to anything."""

    __tablename__ = "file_removals"
    __table_args__ = (Index("ix_file_removals_due", "due_at"),)
    __handling__ = technical("take the files of deleted documents away", audited=False)

    key: Mapped[str] = mapped_column(primary_key=True, info=plain())
    workspace_id: Mapped[UUID]
    due_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class ReindexedPassage(Base):
    """A passage whose vector is kept (or about to be) in a space that is not yet its own."""

    __tablename__ = "reindexed_passages"
    __table_args__ = (Index("ix_reindexed_passages_collection", "collection_id"),)
    __handling__ = technical("go on where an indexing was when its process died", audited=False)

    passage_id: Mapped[UUID] = mapped_column(primary_key=True)
    space: Mapped[str] = mapped_column(primary_key=True, info=plain())
    collection_id: Mapped[UUID]
    workspace_id: Mapped[UUID]
    kept: Mapped[bool] = mapped_column(server_default=text("false"))
