"""Imports with their files and rows, and the peers that dictionaries are kept in step with."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import Category, Handling, personal, plain, technical
from app.core.db import Resource, Row
from app.core.restorable import Restorable


class DictionaryImport(Resource):
    """A file that a run takes into a dictionary.

    `status`: in_progress, completed, failed or cancelled. `stage` is how far it is: reading,
    writing, relating, removing or done. The counts are of concepts.
    """

    __tablename__ = "dictionary_imports"
    __table_args__ = (
        Index("ix_dictionary_imports_list", "workspace_id", "created_at", "id"),
        Index(
            "uq_dictionary_imports_dictionary_id",
            "dictionary_id",
            unique=True,
            postgresql_where=text("status = 'in_progress'"),
        ),
    )
    __handling__ = Handling(
        "take a file into a dictionary and tell how it went",
        subject="user_id",
        retention="runs",
        aged_by="ended_at",
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    user_id: Mapped[UUID]
    dictionary_id: Mapped[UUID] = mapped_column(ForeignKey("dictionaries.id", ondelete="CASCADE"))
    run_id: Mapped[UUID]
    name: Mapped[str] = mapped_column(info=personal(Category.CONTENT))
    format: Mapped[str] = mapped_column(info=plain())
    mode: Mapped[str] = mapped_column(info=plain())
    continue_on_error: Mapped[bool]
    unknown_targets: Mapped[str] = mapped_column(info=plain())
    default_status: Mapped[str] = mapped_column(info=plain())
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(info=plain())
    status: Mapped[str] = mapped_column(info=plain())
    stage: Mapped[str] = mapped_column(info=plain())
    total: Mapped[int] = mapped_column(default=0)
    created: Mapped[int] = mapped_column(default=0)
    updated: Mapped[int] = mapped_column(default=0)
    unchanged: Mapped[int] = mapped_column(default=0)
    removed: Mapped[int] = mapped_column(default=0)
    refused: Mapped[int] = mapped_column(default=0)
    error: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True), info=plain())
    ended_at: Mapped[datetime | None]


class ImportPart(Row):
    """A piece of an import's file; they go at its end."""

    __tablename__ = "dictionary_import_parts"
    __table_args__ = (
        Index("uq_dictionary_import_parts_position", "import_id", "position", unique=True),
        Index("ix_dictionary_import_parts_workspace_id", "workspace_id"),
    )
    __handling__ = Handling(
        "read the file of an import again after a crash",
        through=("import_id", "dictionary_imports"),
        audited=False,
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    import_id: Mapped[UUID] = mapped_column(ForeignKey("dictionary_imports.id", ondelete="CASCADE"))
    position: Mapped[int]
    content: Mapped[bytes] = mapped_column(info=personal(Category.CONTENT))


class ImportRow(Row):
    """A concept of an import's file; only the refused ones stay after its end.

    `status`: pending, waiting (written, but for its relations), done or refused. `key` is what the
    file calls it by. `made` says that this import has made its entry.
    """

    __tablename__ = "dictionary_import_rows"
    __table_args__ = (
        Index("uq_dictionary_import_rows_position", "import_id", "position", unique=True),
        Index("ix_dictionary_import_rows_status", "import_id", "status", "position"),
        Index("ix_dictionary_import_rows_key", "import_id", "key"),
        Index("ix_dictionary_import_rows_external_id", "import_id", "external_id"),
        Index("ix_dictionary_import_rows_entry", "import_id", "entry_id"),
        Index("ix_dictionary_import_rows_workspace_id", "workspace_id"),
    )
    __handling__ = Handling(
        "take in an import's concepts one by one, and tell why one was refused",
        through=("import_id", "dictionary_imports"),
        audited=False,
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    import_id: Mapped[UUID] = mapped_column(ForeignKey("dictionary_imports.id", ondelete="CASCADE"))
    position: Mapped[int]
    line: Mapped[int | None]
    key: Mapped[str] = mapped_column(info=plain())
    external_id: Mapped[str | None] = mapped_column(info=plain())
    concept: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True), info=plain())
    status: Mapped[str] = mapped_column(info=plain())
    entry_id: Mapped[UUID | None]
    made: Mapped[bool] = mapped_column(default=False)
    reason: Mapped[str | None] = mapped_column(info=plain())


class Peer(Restorable):
    """A dictionary of another instance, known by the public key that its bundles are signed with.

    `remote_dictionary_id` is pinned with the first bundle. `sent` is the number of the last bundle
    made for it.
    """

    __tablename__ = "dictionary_peers"
    __table_args__ = (
        Index("ix_dictionary_peers_list", "workspace_id", "created_at", "id"),
        Index(
            "uq_dictionary_peers_thumbprint",
            "dictionary_id",
            "thumbprint",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
    )
    __handling__ = technical("keep a dictionary in step with one of another instance")

    dictionary_id: Mapped[UUID] = mapped_column(ForeignKey("dictionaries.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(info=plain())
    public_jwk: Mapped[dict[str, Any]] = mapped_column(info=plain())
    thumbprint: Mapped[str] = mapped_column(info=plain())
    remote_dictionary_id: Mapped[UUID | None]
    sent: Mapped[int] = mapped_column(default=0)


class PeerEntry(Row):
    """What an entry and its twin at a peer last had in common.

    `known` is the peer's own state that was merged here last (null: it had none, or had deleted
    it): that of its bundle `their_sequence`, which had merged our bundle `base_sequence`, when we
    had sent `merged_at` bundles. `sent_version` of the entry stood in our bundle `sent_sequence`;
    the peer is known to have the entry as it was at `acked_version`.
    """

    __tablename__ = "dictionary_peer_entries"
    __table_args__ = (
        Index("uq_dictionary_peer_entries_sync_id", "peer_id", "sync_id", unique=True),
        Index("uq_dictionary_peer_entries_entry_id", "peer_id", "entry_id", unique=True),
        Index("ix_dictionary_peer_entries_entry_id", "entry_id"),
        Index("ix_dictionary_peer_entries_workspace_id", "workspace_id"),
    )
    __handling__ = technical("know what two instances had in common", audited=False)

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    peer_id: Mapped[UUID] = mapped_column(ForeignKey("dictionary_peers.id", ondelete="CASCADE"))
    sync_id: Mapped[UUID]
    entry_id: Mapped[UUID] = mapped_column(ForeignKey("terminology_entries.id", ondelete="CASCADE"))
    known: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True), info=plain())
    their_sequence: Mapped[int] = mapped_column(default=0)
    base_sequence: Mapped[int] = mapped_column(default=0)
    merged_at: Mapped[int] = mapped_column(default=0)
    sent_version: Mapped[int | None]
    sent_sequence: Mapped[int | None]
    acked_version: Mapped[int | None]


class BundleRecord(Row):
    """A bundle that was made for a peer (`out`), or one of the peer's that was applied (`in`)."""

    __tablename__ = "dictionary_bundles"
    __table_args__ = (
        Index("uq_dictionary_bundles_sequence", "peer_id", "direction", "sequence", unique=True),
        Index("ix_dictionary_bundles_workspace_id", "workspace_id"),
    )
    __handling__ = technical("know which bundles have been applied", audited=False)

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    peer_id: Mapped[UUID] = mapped_column(ForeignKey("dictionary_peers.id", ondelete="CASCADE"))
    direction: Mapped[str] = mapped_column(info=plain())
    sequence: Mapped[int]
    sha256: Mapped[str] = mapped_column(info=plain())
    entries: Mapped[int]
